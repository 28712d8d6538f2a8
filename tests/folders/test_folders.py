"""Train on two folders, apply and score, as a caller of the library does."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sinct
from sinct import folders
from sinct.data.folders import Domains
from sinct.data.scaled import read_test_image
from sinct.folders.applying import SIZES
from sinct.inference import checkpoint
from sinct.pictures.picture import read_picture
from sinct.training import folder_run
from tests.support.folder_pictures import (
    drawn_domains,
    tiny_cut,
    tiny_cycle,
    tiny_distance,
    tiny_drit,
    tiny_gc,
    tiny_munit,
)

CPU = torch.device("cpu")

STYLED = ("munit", "drit")
"""Methods with style codes."""


@pytest.fixture
def domains(tmp_path) -> Domains:
    return drawn_domains(tmp_path / "pictures")


def stop_after(steps: int):
    calls = iter(range(10**6))
    return lambda: next(calls) >= steps


def tensors(run) -> dict[str, torch.Tensor]:
    return checkpoint.load(run / "checkpoint.safetensors").tensors


# Settings


def test_the_methods_have_their_published_settings(domains):
    found = {name: folders.settings(name, domains, device=CPU) for name in folders.METHODS}
    assert {name: each.steps for name, each in found.items()} == {
        "cut": 1600, "fastcut": 800, "cut-moco": 1600, "cut-separate": 1600, "cut-detached": 1600, "cyclegan": 800,
        "gcgan": 800, "distancegan": 400, "self-distancegan": 800, "munit": 1_000_000, "drit": 4800,
    }  # fmt: skip
    assert {name: found[name].rate_constant for name in found if folders.METHODS[name].constant} == {
        "cut": 0.5, "fastcut": 0.75, "cut-moco": 0.5, "cut-separate": 0.5, "cut-detached": 0.5, "cyclegan": 0.5,
        "gcgan": 0.5, "distancegan": 0.5, "self-distancegan": 0.5, "drit": 0.5,
    }  # fmt: skip
    rates = {name: each.learning_rate for name, each in found.items()}
    assert rates == {name: 0.0001 if name in STYLED else 0.0002 for name in found}
    assert found["cut"].nce_weight == 1
    assert found["fastcut"].nce_weight == 10
    assert found["cut-moco"].memory_bank == 16_384
    assert (found["gcgan"].geometry_weight, found["gcgan"].identity_weight) == (20, 5)
    assert (found["gcgan"].geometry, found["gcgan"].shared_generator) == ("rotation", True)
    assert (found["distancegan"].distance, found["distancegan"].batch_size) == ("pairs", 2)
    assert (found["self-distancegan"].distance, found["self-distancegan"].batch_size) == ("top_bottom", 1)
    assert {found[name].distance_weight for name in ("distancegan", "self-distancegan")} == {1}


def test_a_length_in_epochs_counts_the_larger_folder(tmp_path):
    few, many = drawn_domains(tmp_path / "a", count=2), drawn_domains(tmp_path / "b", count=5)
    mixed = Domains(few.source, many.target)
    assert folders.settings("cut", mixed, device=CPU, epochs=3).steps == 15
    assert folders.settings("cut", mixed, device=CPU, epochs=3, changes={"batch_size": 2}).steps == 9


def test_epochs_and_steps_contradict_each_other(domains):
    with pytest.raises(sinct.ConfigError, match="in epochs and in steps; give one"):
        folders.settings("cut", domains, device=CPU, epochs=3, steps=4)


def test_an_unknown_method_is_refused(domains):
    with pytest.raises(sinct.ConfigError, match="unknown method 'gan'; choose one of cut, fastcut"):
        folders.settings("gan", domains, device=CPU)


# Training


@pytest.mark.parametrize(
    ("method", "config"),
    [
        ("cut", tiny_cut()),
        ("cyclegan", tiny_cycle()),
        ("gcgan", tiny_gc()),
        ("distancegan", tiny_distance()),
        ("self-distancegan", tiny_distance(distance="top_bottom", batch_size=1)),
        ("munit", tiny_munit()),
        ("drit", tiny_drit()),
    ],
)
def test_a_training_leaves_a_run_that_can_be_applied(method, config, domains, tmp_path):
    run = tmp_path / "run"
    done = folders.train(domains, run, method=method, config=config)
    assert done.finished
    facts = json.loads((run / "config.json").read_text())
    assert facts["preset"] == method
    assert facts["sources"].startswith("4 pictures, ")
    found = folders.apply(run, [domains.source[0]], tmp_path / "out")
    assert read_picture(found.written[0]).pixels.shape == (3, 32, 32)


def test_a_run_goes_on_bit_for_bit_with_its_best_state(domains, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_run, "LOOKS", 5)
    config = tiny_cut(steps=10)
    whole = folders.train(domains, tmp_path / "whole", config=config)
    folders.train(domains, tmp_path / "parts", config=config, should_stop=stop_after(5))
    resumed = folders.train(domains, tmp_path / "parts", resume=True)
    assert resumed.finished
    assert resumed.kept == whole.kept
    first, second = tensors(tmp_path / "whole"), tensors(tmp_path / "parts")
    assert first.keys() == second.keys()
    assert [name for name in first if not first[name].equal(second[name])] == []


def test_processes_that_read_ahead_change_no_training(domains, tmp_path):
    for decoders in (0, 1):
        folders.train(domains, tmp_path / str(decoders), config=tiny_cut(decoders=decoders, steps=2))
    first, second = tensors(tmp_path / "0"), tensors(tmp_path / "1")
    assert [name for name in first if not first[name].equal(second[name])] == []


def test_a_run_on_other_pictures_is_not_resumed(domains, tmp_path):
    folders.train(domains, tmp_path / "run", config=tiny_cut())
    others = Domains(domains.source[1:], domains.target)
    with pytest.raises(
        sinct.CheckpointError, match=r"a run on other pictures \(4 pictures, .*discs, 4 pictures"
    ):
        folders.train(others, tmp_path / "run", resume=True)


@pytest.mark.parametrize("method", ["fastcut", "cyclegan"])
def test_a_run_of_another_method_is_not_resumed(method, domains, tmp_path):
    folders.train(domains, tmp_path / "run", config=tiny_cut())
    with pytest.raises(
        sinct.CheckpointError, match=rf"a run of the method cut, not of {method}; give `method='cut'`"
    ):
        folders.train(domains, tmp_path / "run", method=method, resume=True)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ({"seconds": 60.0}, (8, 2, 60.0)),
        ({"steps": 8}, (8, 2, None)),
        ({"steps": 9}, (9, 0, None)),
        ({"epochs": 5}, (10, 5, None)),
    ],
    ids=["seconds", "the same steps", "other steps", "epochs"],
)
def test_a_new_length_keeps_the_runs_own_batches_and_steps(length, expected, domains, tmp_path):
    begun = tiny_cut(steps=8, rate_epochs=2, batch_size=2)
    folders.train(domains, tmp_path / "run", config=begun, should_stop=stop_after(1))
    found = folders.resumed_settings("cut", domains, tmp_path / "run", **length)
    assert (found.steps, found.rate_epochs, found.seconds) == expected
    assert found.batch_size == 2


def test_a_resumed_run_takes_the_course_of_the_learning_rate_from_its_new_length(domains, tmp_path):
    folders.train(domains, tmp_path / "run", config=tiny_cut(steps=1, rate_epochs=1))
    longer = folders.resumed_settings("cut", domains, tmp_path / "run", steps=2)
    folders.train(domains, tmp_path / "run", config=longer, resume=True)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["rate_epochs"] == 0


def test_the_best_state_is_that_with_the_lowest_score_and_the_last_is_kept_too(
    domains, tmp_path, monkeypatch
):
    scores = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(folder_run, "LOOKS", 5)
    monkeypatch.setattr(
        folder_run,
        "distance_judge",
        lambda targets, settings: folder_run.Judge("x", lambda made: next(scores)),
    )
    run = tmp_path / "run"
    done = folders.train(domains, run, config=tiny_cut(steps=5))
    assert done.kept == 4
    best, last = (
        checkpoint.load(run / f"{name}.safetensors").tensors["generator.stem.weight"]
        for name in ("model", "last")
    )
    state = tensors(run)
    assert best.equal(state["best.stem.weight"])
    assert last.equal(state["generator.stem.weight"])
    assert not best.equal(last)


def test_a_state_of_the_first_half_is_never_the_best(domains, tmp_path, monkeypatch):
    seen = []

    def judge(targets, settings):
        return folder_run.Judge("grey", lambda made: seen.append(len(made)) or float(len(seen)))

    monkeypatch.setattr(folder_run, "distance_judge", judge)
    done = folders.train(domains, tmp_path / "run", config=tiny_cut(steps=20))
    assert done.kept == 10  # by the score, the earlier the better
    assert len(seen) == 11


def test_bad_files_are_named_and_left_out(domains, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nno")
    done = folders.train(
        Domains((*domains.source, bad), domains.target), tmp_path / "run", config=tiny_cut(steps=2)
    )
    assert any("bad.png" in warning and "left out" in warning for warning in done.warnings)


def test_a_preview_shows_test_pictures_their_translations_and_targets(domains, tmp_path):
    folders.train(domains, tmp_path / "run", config=tiny_cut())
    assert read_picture(tmp_path / "run" / "preview.png").height == 4 * (21 + 32)  # below labels


@pytest.mark.slow
def test_some_hundred_steps_move_the_source_toward_the_target_and_keep_its_layout(tmp_path):
    """Red discs toward blue squares, by FastCUT: redness falls, and edges stay where they were."""
    domains = drawn_domains(tmp_path / "pictures", count=12)
    config = tiny_cut(
        width=16, discriminator_width=16, projection_dimensions=32, queries=64, steps=300, learning_rate=0.0005,
        nce_weight=10.0, identity_nce=False, flip_equivariance=True,
    )  # fmt: skip
    folders.train(domains, tmp_path / "run", method="fastcut", config=config)
    made = folders.apply(tmp_path / "run", domains.source, tmp_path / "out", state="last")

    def small(paths) -> np.ndarray:
        return np.stack(
            [np.asarray(Image.open(path).convert("RGB").resize((32, 32), 3), float) for path in paths]
        )

    before, after, aim = small(domains.source), small(made.written), small(domains.target)

    def redness(pictures: np.ndarray) -> float:
        return float((pictures[..., 0] - pictures[..., 2]).mean())

    assert redness(before) > 5
    assert redness(aim) < -5
    assert redness(after) < 0.5 * (redness(before) + redness(aim))

    def edges(pictures: np.ndarray) -> np.ndarray:
        return np.abs(np.diff(pictures, axis=2)).sum(axis=3).reshape(len(pictures), -1)

    alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(edges(before), edges(after), strict=True)]
    others = [np.corrcoef(a, b)[0, 1] for a, b in zip(edges(before), edges(after[::-1]), strict=True)]
    assert np.mean(alike) > 0.25
    assert np.mean(alike) > 2 * abs(np.mean(others))


def test_progress_counts_epochs_and_pictures(domains, tmp_path):
    seen = []
    folders.train(domains, tmp_path / "run", config=tiny_cut(batch_size=2), on_progress=seen.append)
    assert seen[-1].epoch == 2  # 4 steps of 2 pictures, of 4
    assert seen[-1].pictures == 2


# Applying


@pytest.fixture
def run(domains, tmp_path):
    folders.train(domains, tmp_path / "run", config=tiny_cut())
    return tmp_path / "run"


def test_own_size_keeps_size_and_transparency(run, tmp_path):
    picture = tmp_path / "wide.png"
    Image.new("RGBA", (70, 41), (200, 30, 60, 128)).save(picture, dpi=(300, 300))
    folders.apply(run, [picture], tmp_path / "out", size="own")
    with Image.open(tmp_path / "out" / "wide.png") as made:
        assert made.size == (70, 41)
        assert made.mode == "RGBA"
        assert made.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_a_folder_is_translated_whole_and_what_cannot_be_read_is_named(run, domains, tmp_path):
    folder = domains.source[0].parent
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = folders.apply(run, folder, tmp_path / "out")
    assert len(found.written) == 4
    assert [path.name for path in found.failed] == ["broken.png"]


def test_pictures_that_are_there_are_not_replaced_unless_asked(run, domains, tmp_path):
    folders.apply(run, domains.source[:2], tmp_path / "out")
    with pytest.raises(
        sinct.OutputError, match=r"0\.png already exists \(2 of 4 pictures\); give `resume=True`"
    ):
        folders.apply(run, domains.source, tmp_path / "out")
    found = folders.apply(run, domains.source, tmp_path / "out", resume=True)
    assert (len(found.written), len(found.kept)) == (2, 2)
    assert len(folders.apply(run, domains.source, tmp_path / "out", overwrite=True).written) == 4


@pytest.mark.parametrize("size", SIZES)
def test_pictures_that_are_to_be_translated_are_never_replaced(size, run, domains):
    first, second = domains.source[:2]
    before = [path.read_bytes() for path in (first, second)]
    with pytest.raises(sinct.OutputError, match="is one of the pictures"):
        folders.apply(run, first.parent, first.parent, size=size, overwrite=True)
    assert [path.read_bytes() for path in (first, second)] == before


def test_keeping_and_replacing_pictures_contradict_each_other(run, domains, tmp_path):
    with pytest.raises(sinct.ConfigError, match="contradict each other"):
        folders.apply(run, domains.source, tmp_path / "out", resume=True, overwrite=True)


@pytest.mark.parametrize("suffix", ["jpg", ".foo", "/x.png", "", ".dzi/x.png"])
def test_what_is_no_suffix_of_a_picture_is_refused_before_the_first(suffix, run, domains, tmp_path):
    with pytest.raises(sinct.ConfigError, match=r"suffix must be one of .*\.png"):
        folders.apply(run, domains.source, tmp_path / "out", suffix=suffix)
    assert not (tmp_path / "out").exists()


def test_a_picture_too_large_for_memory_is_named_and_the_others_are_translated(run, domains, tmp_path):
    Image.new("RGB", (900, 1200)).save(tmp_path / "large.png")
    paths = (tmp_path / "large.png", domains.source[0])
    done = folders.apply(run, paths, tmp_path / "out", size="own", max_memory=750_000_000)
    assert [path.name for path in done.written] == ["0.png"]
    assert list(done.failed) == [tmp_path / "large.png"]
    assert "needs the whole picture at once, about 0.8 GB" in done.failed[tmp_path / "large.png"]


def test_two_pictures_of_one_name_are_refused(run, domains, tmp_path):
    with pytest.raises(sinct.OutputError, match="would both be written to"):
        folders.apply(run, [domains.source[0], domains.target[0]], tmp_path / "out")


@pytest.mark.parametrize(("name", "value"), [("state", "worst"), ("size", "huge")])
def test_unknown_choices_are_refused(name, value, run, domains, tmp_path):
    with pytest.raises(sinct.ConfigError, match=f"unknown {name} '{value}'; choose one of"):
        folders.apply(run, domains.source, tmp_path / "out", **{name: value})


def test_a_model_of_a_pair_has_no_size_of_tests(tiny, domains, tmp_path):
    sinct.train(domains.source[0], domains.target[0], tmp_path / "pair", config=tiny)
    with pytest.raises(
        sinct.ConfigError, match=r"pair was trained on a pair of pictures.*`sinct folders apply --size own`"
    ):
        folders.apply(tmp_path / "pair", domains.source, tmp_path / "out")
    assert len(folders.apply(tmp_path / "pair", domains.source, tmp_path / "out", size="own").written) == 4


# Applying with styles


TINY_STYLED = {"munit": tiny_munit, "drit": tiny_drit}


@pytest.fixture(scope="module", params=STYLED)
def styled_run(request, tmp_path_factory):
    place = tmp_path_factory.mktemp(request.param)
    config = TINY_STYLED[request.param](seed=5)
    folders.train(drawn_domains(place / "pictures"), place / "run", method=request.param, config=config)
    return place / "run"


def pixels(path) -> torch.Tensor:
    return read_picture(path).pixels


def test_a_translation_without_samples_is_always_the_same(styled_run, domains, tmp_path):
    for place in ("one", "two"):
        folders.apply(styled_run, domains.source[:1], tmp_path / place)
    assert (tmp_path / "one" / "0.png").read_bytes() == (tmp_path / "two" / "0.png").read_bytes()


def test_samples_are_numbered_and_differ(styled_run, domains, tmp_path):
    done = folders.apply(styled_run, domains.source[:2], tmp_path / "out", samples=3)
    assert [path.name for path in done.written] == [f"{name}-{n}.png" for name in (0, 1) for n in (1, 2, 3)]
    made = [pixels(path) for path in done.written[:3]]
    assert not made[0].equal(made[1])
    assert not made[1].equal(made[2])


@pytest.mark.parametrize("size", SIZES)
def test_a_sample_is_the_same_however_many_there_are(size, styled_run, domains, tmp_path):
    few = folders.apply(styled_run, domains.source[:2], tmp_path / "few", samples=2, size=size)
    many = folders.apply(styled_run, domains.source[:1], tmp_path / "many", samples=4, size=size)
    assert pixels(few.written[1]).equal(pixels(many.written[1]))


def test_samples_have_the_codes_of_the_trainings_seed(styled_run, domains, tmp_path):
    random = torch.Generator().manual_seed(5)
    codes = [torch.randn(3, generator=random) for _ in range(2)]
    model = sinct.load_model(styled_run, "cpu")
    picture = read_test_image(domains.source[0], tiny_munit())
    with torch.no_grad():
        content = model.generator.content_of(picture[None])
        wanted = [model.generator.decode(content, code[None])[0] for code in codes]
    done = folders.apply(styled_run, domains.source[:1], tmp_path / "out", samples=2, device="cpu")
    for path, made in zip(done.written, wanted, strict=True):
        torch.testing.assert_close(pixels(path), made, rtol=0, atol=1.01 / 127.5)


def test_a_reference_gives_its_style(styled_run, domains, tmp_path):
    model = sinct.load_model(styled_run, "cpu")
    picture, reference = (
        read_test_image(path, tiny_munit())[None] for path in (domains.source[0], domains.target[2])
    )
    with torch.no_grad():
        style = model.generator.style_of(reference)
        wanted = model.generator.decode(model.generator.content_of(picture), style)[0]
    done = folders.apply(styled_run, domains.source[:1], tmp_path / "out", reference=domains.target[2])
    assert [path.name for path in done.written] == ["0.png"]
    torch.testing.assert_close(pixels(done.written[0]), wanted, rtol=0, atol=1.01 / 127.5)


def test_samples_that_are_there_are_not_replaced_unless_asked(styled_run, domains, tmp_path):
    out = tmp_path / "out"
    folders.apply(styled_run, domains.source[:1], out, samples=2)
    with pytest.raises(sinct.OutputError, match=r"0-1\.png already exists \(2 of 3 pictures\)"):
        folders.apply(styled_run, domains.source[:1], out, samples=3)
    before = (out / "0-1.png").read_bytes()
    (out / "0-2.png").write_bytes(b"kept")
    found = folders.apply(styled_run, domains.source[:1], out, samples=3, resume=True)
    assert [path.name for path in found.kept] == ["0-1.png", "0-2.png"]
    assert [path.name for path in found.written] == ["0-3.png"]
    assert (out / "0-2.png").read_bytes() == b"kept"
    assert len(folders.apply(styled_run, domains.source[:1], out, samples=3, overwrite=True).written) == 3
    assert (out / "0-1.png").read_bytes() == before
    assert (out / "0-2.png").read_bytes() != b"kept"


def test_a_reference_is_never_replaced(styled_run, domains, tmp_path):
    reference = tmp_path / "out" / "0.png"
    reference.parent.mkdir()
    reference.write_bytes(domains.target[0].read_bytes())
    with pytest.raises(sinct.OutputError, match="is one of the pictures"):
        folders.apply(styled_run, domains.source[:1], tmp_path / "out", reference=reference, overwrite=True)
    assert reference.read_bytes() == domains.target[0].read_bytes()


def test_pictures_of_any_size_keep_it_with_samples(styled_run, tmp_path):
    picture = tmp_path / "wide.png"
    Image.new("RGBA", (70, 41), (200, 30, 60, 128)).save(picture)
    folders.apply(styled_run, [picture], tmp_path / "out", size="own", samples=1)
    with Image.open(tmp_path / "out" / "wide-1.png") as made:
        assert (made.size, made.mode) == ((70, 41), "RGBA")


@pytest.mark.parametrize("given", [{"samples": 2}, {"reference": "photo.png"}])
def test_a_method_without_styles_says_so(given, run, domains, tmp_path):
    with pytest.raises(
        sinct.ConfigError,
        match=f"'folder-cut' makes one .* no styles, which `{next(iter(given))}` needs; .* one of munit, drit",
    ):
        folders.apply(run, domains.source, tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"samples": 0}, "samples must be from 1 to 1,000, got 0"),
        ({"samples": 10**9}, "samples must be from 1 to 1,000, got 1000000000"),
        (
            {"samples": 2, "reference": "photo.png"},
            "a reference gives one style, but `samples` asks for several",
        ),
    ],
)
def test_samples_that_cannot_be_are_refused(given, reason, run, domains, tmp_path):
    with pytest.raises(sinct.ConfigError, match=reason):
        folders.apply(run, domains.source, tmp_path / "out", **given)


def test_a_reference_that_is_missing_is_named(styled_run, domains, tmp_path):
    with pytest.raises(sinct.InputError, match=r"none\.png"):
        folders.apply(styled_run, domains.source, tmp_path / "out", reference=tmp_path / "none.png")


# Scoring


def test_scores_without_weights_say_what_is_missing(domains, tmp_path):
    found = folders.score(
        domains.source[0].parent, domains.target[0].parent, weights_dir=tmp_path / "no-weights"
    )
    assert set(found.mean) == {"distance"}
    assert "inception" in found.missing
    assert found.mean["distance"] > 1


def test_pictures_are_nearer_to_themselves_than_to_others(domains, tmp_path):
    discs, squares = domains.source[0].parent, domains.target[0].parent
    found = folders.score([discs, squares], squares, weights_dir=tmp_path, source=discs)
    own, other = found.sets[str(squares)]["distance"], found.sets[str(discs)]["distance"]
    assert own == 0
    assert other == found.unchanged["distance"]
    assert found.mean["distance"] == pytest.approx((own + other) / 2)
    assert found.spread["distance"] == pytest.approx(abs(own - other) / 2**0.5)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch_fidelity") is None, reason="torch-fidelity is not installed")
def test_scores_with_a_random_network_are_complete(domains, tmp_path):
    found = folders.score(
        domains.source[0].parent, domains.target[0].parent, random_weights=True, cache=tmp_path / "cache"
    )
    assert found.random
    assert set(found.mean) == {"distance", "fid", "clean_fid", "kid"}


def test_the_manual_lists_the_methods_as_they_are():
    manual = Path(sinct.__file__).parent / "objectives" / "FOLDERS.md"
    rows = [line for line in manual.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{name}` | {each.summary} | {each.epochs or f'{each.steps:,} steps'} | {each.constant or 'halved'} "
        f"| {each.source} |"
        for name, each in folders.METHODS.items()
    ]
