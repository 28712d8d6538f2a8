"""What still holds and what is left to do."""

from dataclasses import replace

import pytest

from sinct.batch.coordinator import run_batch
from sinct.batch.jobs import SERIES
from sinct.batch.ledger import State
from sinct.batch.settings import Settings
from sinct.batch.staleness import key_of, preview
from tests.support.batch_fake import SETTINGS, Fake, failing, states


def previewed(jobs, out, **options):
    """States that a dry run tells."""
    return [entry.state.value for entry in preview(jobs, out, **options)]


def test_preview_changes_nothing_and_says_what_is_left(collection, out, make_picture):
    assert {entry.state for entry in preview(collection(), out)} == {State.waiting}
    assert not out.exists()
    run_batch(collection(), out, Fake({"p0": [failing()]}))
    make_picture("paintings/p1.png", seed=3)
    found = [entry.state.value for entry in preview(collection(), out)]
    assert found == ["failed", "waiting", "done"]


def test_preview_knows_a_lost_output(collection, out):
    run_batch(collection(), out, Fake())
    (out / "p1.png").unlink()
    assert previewed(collection(), out) == ["done", "waiting", "done"]


def test_preview_knows_an_output_that_someone_changed(collection, out):
    run_batch(collection(), out, Fake())
    (out / "p1.png").write_text("retouched by hand")
    found = preview(collection(), out)
    assert found[1].state is State.failed
    assert "was changed after it was finished" in found[1].error


@pytest.mark.parametrize(("retries", "state"), [(0, "failed"), (1, "waiting")])
def test_preview_knows_a_failure_that_would_be_tried_again(collection, out, retries, state):
    run_batch(collection(), out, Fake({"p0": [failing(again=True)]}), retries=0)
    assert previewed(collection(), out, retries=retries) == [state, "done", "done"]


def test_preview_knows_what_a_changed_series_takes_along(collection, out):
    run_batch(collection(shared_model=True), out, Fake())
    assert previewed(collection(shared_model=True), out) == ["done"] * 4
    assert previewed(collection(replace(SETTINGS, seed=8), shared_model=True), out) == ["waiting"] * 4


def test_settings_that_older_versions_did_not_know_leave_their_keys_alone():
    assert not {"profile", "strength", "keep"} & set(Settings().to_json())
    assert Settings(profile="keep").to_json()["profile"] == "keep"
    assert Settings(strength=0.5).to_json()["strength"] == 0.5
    assert Settings(keep=("light",)).to_json()["keep"] == ["light"]


def test_pictures_in_another_profile_are_made_again_but_a_series_keeps_its_model(collection, out):
    run_batch(collection(), out, Fake())
    assert previewed(collection(replace(SETTINGS, profile="srgb")), out) == ["done"] * 3
    assert previewed(collection(replace(SETTINGS, profile="keep")), out) == ["waiting"] * 3
    run_batch(collection(shared_model=True), out, Fake())
    kept = collection(replace(SETTINGS, profile="keep"), shared_model=True)
    assert previewed(kept, out) == ["done", *["waiting"] * 3]


@pytest.mark.parametrize("change", [{"strength": 0.5}, {"keep": ("light",)}])
def test_pictures_mixed_otherwise_are_made_again_but_a_series_keeps_its_model(collection, out, change):
    run_batch(collection(), out, Fake())
    assert previewed(collection(replace(SETTINGS, **change)), out) == ["waiting"] * 3
    run_batch(collection(shared_model=True), out, Fake())
    mixed = collection(replace(SETTINGS, **change), shared_model=True)
    assert previewed(mixed, out) == ["done", *["waiting"] * 3]


def test_a_picture_is_made_again_with_another_mask(collection, out, make_picture):
    masks = [str(make_picture(f"mask-{seed}.png", seed=seed)) for seed in range(2)]

    def masked(mask):
        return [replace(job, masks=(mask,)) for job in collection()]

    run_batch(masked(masks[0]), out, Fake())
    assert previewed(masked(masks[0]), out) == ["done"] * 3
    assert previewed(masked(masks[1]), out) == ["waiting"] * 3
    assert previewed(collection(), out) == ["waiting"] * 3


def test_a_mask_is_not_mistaken_for_a_photo(collection, make_picture):
    job, mask = collection()[0], str(make_picture("mask.png"))
    masked, photographed = replace(job, masks=(mask,)), replace(job, photos=(*job.photos, mask))
    hashes = {place: ["", place] for place in masked.inputs}
    assert key_of(masked, hashes, None) != key_of(photographed, hashes, None)


def test_jobs_of_a_failed_series_are_known_to_fail(collection, out):
    run_batch(collection(shared_model=True), out, Fake({SERIES: [failing()]}))
    found = preview(collection(shared_model=True), out)
    assert {entry.state for entry in found} == {State.failed}
    assert f"it needs the model of {SERIES}, which failed" in found[1].error


def test_changed_output_that_is_moved_away_is_made_again(collection, out):
    run_batch(collection(), out, Fake())
    output = out / "p2.png"
    made = output.read_text()
    output.write_text("retouched by hand")
    assert states(run_batch(collection(), out, Fake()))["p2"] == "failed"
    output.rename(out / "kept.png")
    assert run_batch(collection(), out, Fake()).made == ("p2",)
    assert output.read_text() == made


def test_job_is_done_again_when_its_fault_is_gone_and_nothing_is_made_twice(collection, out):
    jobs = collection()
    run_batch(jobs, out, Fake())
    faulty = [replace(jobs[0], fault="there is no photo"), *jobs[1:]]
    assert states(run_batch(faulty, out, Fake()))["p0"] == "failed"
    summary = run_batch(jobs, out, Fake())
    assert states(summary)["p0"] == "done"
    assert summary.made == ()


def test_begun_job_whose_painting_was_gone_for_a_while_is_done(collection, out, tmp_path, make_picture):
    jobs = collection()
    run_batch(jobs, out, Fake({"p1": [failing(again=True)]}), retries=0)
    (tmp_path / "paintings" / "p1.png").unlink()
    assert states(run_batch(jobs, out, Fake()))["p1"] == "failed"
    make_picture("paintings/p1.png", seed=1)
    assert run_batch(jobs, out, Fake()).made == ("p1",)
