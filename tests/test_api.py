import io
import json
import os
import sys
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

import sinct
from sinct.inference import checkpoint
from sinct.objectives.cut import Trainer
from sinct.pictures.picture import read_picture, read_provenance
from sinct.runtime.locks import LOCK
from sinct.training.run_directory import RunDirectory
from sinct.training.session import Session
from tests.support.objective import LOSSES


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def stop_after(steps: int):
    """Ask to stop once `steps` steps are done: the loop asks before the first step and after each."""
    calls = iter(range(10**6))
    return lambda: next(calls) >= steps


@pytest.fixture
def pair(make_picture):
    return make_picture("painting.png", seed=0), make_picture("photo.png", 64, 50, seed=1)


def test_translate_writes_the_paintings_size(pair, tiny, tmp_path):
    done = sinct.translate(*pair, tmp_path / "out.png", config=tiny)
    assert done.size == (60, 45)
    assert size_of(done.output) == (60, 45)


@pytest.mark.parametrize("size", [(61, 47), (33, 80), (200, 37), (32, 32), (20, 31)])
def test_translate_keeps_any_size(size, make_picture, tiny, tmp_path):
    painting = make_picture("painting.png", *size)
    sinct.translate(painting, make_picture("photo.png", 50, 64, seed=1), tmp_path / "out.png", config=tiny)
    assert size_of(tmp_path / "out.png") == size


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 1), (31, 17)])
def test_apply_keeps_any_size_down_to_a_pixel(size, pair, make_picture, tiny, tmp_path):
    training = sinct.train(*pair, tmp_path / "run", config=tiny)
    small = tmp_path / "small.png"
    Image.new("RGB", size, (200, 30, 90)).save(small)
    sinct.apply(training.model, small, tmp_path / "small-out.png")
    assert size_of(tmp_path / "small-out.png") == size


def test_several_photos_are_one_target(pair, make_picture, tiny, tmp_path):
    painting, photo = pair
    other = make_picture("other.jpg", seed=2)
    done = sinct.translate(painting, [photo, other], tmp_path / "out.png", config=tiny)
    assert len(done.training.model.facts["photo_sha256"]) == 2


def test_same_seed_gives_the_same_file(pair, tiny, tmp_path):
    for name in ("a", "b"):
        sinct.translate(*pair, tmp_path / f"{name}.png", config=tiny)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_resumed_run_gives_the_same_file_as_an_undisturbed_one(pair, tiny, tmp_path):
    config = tiny.replace(steps=25)
    sinct.translate(*pair, tmp_path / "a.png", config=config)
    stopped = sinct.translate(*pair, tmp_path / "b.png", config=config, should_stop=stop_after(11))
    assert (stopped.training.steps, stopped.training.finished) == (11, False)
    resumed = sinct.translate(*pair, tmp_path / "b.png", resume=True)
    assert (resumed.training.steps, resumed.training.finished) == (25, True)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    logs = [(tmp_path / f"{name}.sinct" / "log.jsonl").read_text().splitlines() for name in "ab"]
    assert [json.loads(line)["step"] for line in logs[1]] == [10, 20, 25]
    assert json.loads(logs[0][0])["nce"] == json.loads(logs[1][0])["nce"]


def test_interrupted_translate_writes_the_picture_as_it_stands(pair, tiny, tmp_path):
    done = sinct.translate(*pair, tmp_path / "out.png", config=tiny, should_stop=stop_after(1))
    assert size_of(done.output) == (60, 45)


def test_finished_run_can_be_lengthened(pair, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    longer = sinct.train(*pair, tmp_path / "run", config=tiny.replace(steps=6), resume=True)
    assert longer.steps == 6


def test_run_directory_holds_what_it_documents(pair, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    names = "config.json checkpoint.safetensors model.safetensors log.jsonl losses.png preview.png"
    assert {path.name for path in (tmp_path / "run").iterdir()} == set(names.split())
    assert size_of(tmp_path / "run" / "preview.png")[1] == 21 + 45  # below labels
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert sinct.Config.from_dict(config["config"]) == tiny
    assert config["painting"] == "painting.png"


@pytest.mark.parametrize("name", ["", "checkpoint.safetensors", "model.safetensors"])
def test_apply_takes_run_checkpoint_or_model_and_gives_the_same(name, pair, tiny, tmp_path):
    done = sinct.translate(*pair, tmp_path / "out.png", run_dir=tmp_path / "run", config=tiny)
    sinct.apply(tmp_path / "run" / name, pair[0], tmp_path / "again.png")
    assert np.array_equal(pixels_of(done.output), pixels_of(tmp_path / "again.png"))


def test_apply_takes_the_raw_weights_where_averaging_was_off(pair, tiny, tmp_path):
    sinct.translate(*pair, tmp_path / "out.png", run_dir=tmp_path / "run", config=tiny.replace(ema_decay=0.0))
    sinct.apply(tmp_path / "run" / "checkpoint.safetensors", pair[0], tmp_path / "again.png")
    assert np.array_equal(pixels_of(tmp_path / "out.png"), pixels_of(tmp_path / "again.png"))


def test_apply_warns_far_outside_the_trained_scales(pair, make_picture, tiny, tmp_path):
    training = sinct.train(*pair, tmp_path / "run", config=tiny)
    large = make_picture("large.png", 400, 300)
    done = sinct.apply(training.model, large, tmp_path / "out.png")
    assert any("400 px wide, but the generator was trained at 43 to 60 px" in text for text in done.warnings)


def test_output_carries_its_provenance(pair, tiny, tmp_path):
    sinct.translate(*pair, tmp_path / "out.png", config=tiny.replace(seed=5))
    stored = read_provenance(tmp_path / "out.png")
    assert stored["seed"] == "5"
    assert stored["steps"] == "4"
    assert stored["painting_sha256"] == read_picture(pair[0]).sha256


def test_alpha_and_16_bits_survive(pair, tiny, tmp_path, make_picture):
    with Image.open(pair[0]) as opened:
        painting = opened.convert("RGBA")
    painting.putalpha(Image.linear_gradient("L").resize(painting.size))
    painting.save(pair[0])
    sinct.translate(*pair, tmp_path / "out.tif", config=tiny, bits=16)
    result = read_picture(tmp_path / "out.tif")
    assert result.bits == 16
    torch.testing.assert_close(result.alpha, read_picture(pair[0]).alpha, rtol=0, atol=1e-4)


def test_progress_comes_by_callback(pair, tiny, tmp_path):
    events = []
    sinct.train(*pair, tmp_path / "run", config=tiny.replace(steps=20), on_progress=events.append)
    assert [event.step for event in events] == [5, 10, 20]
    assert events[-1].fraction == 1
    assert set(events[0].losses) == LOSSES


def test_library_prints_nothing(pair, tiny, tmp_path, capfd):
    sinct.translate(*pair, tmp_path / "out.png", config=tiny)
    assert capfd.readouterr() == ("", "")


# Bad input -------------------------------------------------------------------------------------------


def refuse_to_train(monkeypatch):
    monkeypatch.setattr("sinct.api.Trainer", lambda *_: pytest.fail("trained before checking"))


def test_existing_output_is_refused_before_training_and_kept(pair, tiny, tmp_path, monkeypatch):
    refuse_to_train(monkeypatch)
    (tmp_path / "out.png").write_bytes(b"precious")
    with pytest.raises(sinct.OutputError, match=r"out\.png.*`overwrite=True`"):
        sinct.translate(*pair, tmp_path / "out.png", config=tiny)
    assert (tmp_path / "out.png").read_bytes() == b"precious"


@pytest.mark.parametrize("output", ["out.xyz", "out", "painting.png/out.png"])
def test_unwritable_output_is_refused_before_training(output, pair, tiny, tmp_path, monkeypatch):
    refuse_to_train(monkeypatch)
    with pytest.raises(sinct.OutputError, match="out"):
        sinct.translate(*pair, tmp_path / output, config=tiny)


def test_output_that_is_an_input_is_refused(pair, tiny, tmp_path):
    before = pair[0].read_bytes()
    with pytest.raises(sinct.OutputError, match="is one of the inputs"):
        sinct.translate(*pair, pair[0], config=tiny, overwrite=True)
    assert pair[0].read_bytes() == before


def test_mask_that_is_the_output_is_refused(pair, tiny, tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", (60, 45), 255).save(mask)
    with pytest.raises(sinct.OutputError, match=r"mask\.png is one of the inputs"):
        sinct.translate(*pair, mask, config=tiny, mask=mask, overwrite=True)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"keep": ["sky"]}, sinct.ConfigError, "`keep` takes colours, light, texture, not 'sky'"),
        ({"strength": "full"}, sinct.ConfigError, r"strength must lie in \[0, 1\], got full"),
        ({"mask": "none.png"}, sinct.InputError, r"the mask .*none\.png does not exist"),
        ({"mask": "broken.png"}, sinct.InputError, r"the mask .*broken\.png is not a picture"),
        ({"mask": "painting.png"}, sinct.InputError, r"the mask .*painting\.png has colours"),
        ({"mask": "."}, sinct.InputError, "the mask .* is a directory"),
    ],
)
@pytest.mark.parametrize("there", [False, True])
def test_mix_that_cannot_be_made_is_refused_before_training(
    pair, tiny, tmp_path, options, error, message, there
):
    (tmp_path / "broken.png").write_bytes(b"broken")
    options = {name: tmp_path / value if name == "mask" else value for name, value in options.items()}
    if there:
        (tmp_path / "out.png").write_bytes(b"")
    with pytest.raises(error, match=message):
        sinct.translate(*pair, tmp_path / "out.png", config=tiny, overwrite=there, **options)
    assert not (tmp_path / "out.sinct").exists()


def test_translate_mixes_as_apply_does(pair, tiny, tmp_path):
    ramp = np.linspace(0, 255, 60).astype(np.uint8)[None].repeat(45, axis=0)
    Image.fromarray(ramp).save(tmp_path / "mask.png")
    mix = {"strength": 0.8, "keep": ["light"], "mask": tmp_path / "mask.png"}
    done = sinct.translate(*pair, tmp_path / "first.png", config=tiny, **mix)
    sinct.apply(done.training.run_dir, pair[0], tmp_path / "second.png", **mix)
    assert np.array_equal(pixels_of(tmp_path / "first.png"), pixels_of(tmp_path / "second.png"))
    assert np.array_equal(pixels_of(tmp_path / "first.png")[:, 0], pixels_of(pair[0])[:, 0])


def test_run_directory_in_use_is_refused_and_kept(pair, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    with pytest.raises(sinct.OutputError, match="`resume=True` to continue it, `overwrite=True`"):
        sinct.train(*pair, tmp_path / "run", config=tiny)
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == before


def test_overwrite_starts_the_run_again(pair, tiny, tmp_path):
    for _ in range(2):
        training = sinct.train(*pair, tmp_path / "run", config=tiny, overwrite=True)
    assert training.steps == 4


def test_resume_without_a_run_is_refused(pair, tiny, tmp_path):
    with pytest.raises(sinct.CheckpointError, match="holds no run to resume"):
        sinct.train(*pair, tmp_path / "run", resume=True)


def test_resume_on_other_pictures_is_refused(pair, make_picture, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    with pytest.raises(sinct.CheckpointError, match="is a run on other pictures"):
        sinct.train(make_picture("new.png", seed=9), pair[1], tmp_path / "run", resume=True)


def test_damaged_checkpoint_is_refused(pair, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    path = tmp_path / "run" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(sinct.CheckpointError, match="damaged"):
        sinct.train(*pair, tmp_path / "run", resume=True)


def test_run_that_was_killed_before_it_saved_anything_begins_again(pair, tiny, tmp_path):
    straight = sinct.train(*pair, tmp_path / "straight", config=tiny)
    sinct.train(*pair, tmp_path / "run", config=tiny)
    for name in ("checkpoint", "model"):
        (tmp_path / "run" / f"{name}.safetensors").unlink()
    resumed = sinct.train(*pair, tmp_path / "run", resume=True)
    assert resumed.steps == straight.steps == 4
    picture = torch.rand(3, 20, 24) * 2 - 1
    assert resumed.model.translate(picture).equal(straight.model.translate(picture))


def test_new_run_replaces_one_that_was_killed_before_it_saved_anything(pair, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny.replace(seed=5))
    for name in ("checkpoint", "model"):
        (tmp_path / "run" / f"{name}.safetensors").unlink()
    assert sinct.train(*pair, tmp_path / "run", config=tiny).steps == 4
    assert RunDirectory(tmp_path / "run").read_config(Trainer)[0].seed == tiny.seed
    assert len(RunDirectory(tmp_path / "run").read_log()) == 1  # the older one is gone


def test_run_that_was_killed_while_it_replaced_another_is_told_what_helps(pair, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    (tmp_path / "run" / "config.json").unlink()  # the first that goes
    with pytest.raises(sinct.CheckpointError, match=r"cannot be resumed; start again with `overwrite=True`"):
        sinct.train(*pair, tmp_path / "run", resume=True)
    with pytest.raises(
        sinct.OutputError, match="already holds a run; pass `overwrite=True` to start again, or"
    ):
        sinct.train(*pair, tmp_path / "run", config=tiny)
    assert sinct.train(*pair, tmp_path / "run", config=tiny, overwrite=True).finished


def test_logged_losses_are_the_same_where_a_run_was_stopped_between_two_of_its_lines(pair, tiny, tmp_path):
    config = tiny.replace(steps=12)
    sinct.train(*pair, tmp_path / "straight", config=config)
    asked = iter([False] * 5)
    sinct.train(*pair, tmp_path / "run", config=config, should_stop=lambda: next(asked, True))
    sinct.train(*pair, tmp_path / "run", resume=True)
    straight, stopped = (
        [[entry[loss] for loss in LOSSES] for entry in RunDirectory(tmp_path / name).read_log()]
        for name in ("straight", "run")
    )
    assert stopped == straight


def test_checkpoint_holds_the_look_that_was_due_at_its_step(pair, tiny, tmp_path, monkeypatch):
    """A resumed run takes no look at the step that it begins with."""
    missed = []
    save = Session.save

    def saved(session):
        looks = session.views.looks
        missed.append(looks._due >= 0 and looks._due > looks.taken)
        save(session)

    monkeypatch.setattr(Session, "save", saved)
    monkeypatch.setattr("sinct.training.session.CHECKPOINT_SECONDS", 0.0)
    sinct.train(*pair, tmp_path / "run", config=tiny.replace(steps=8, patience=1.0))
    assert not any(missed)


def test_run_without_its_checkpoint_keeps_its_model(pair, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    (tmp_path / "run" / "checkpoint.safetensors").unlink()
    with pytest.raises(sinct.CheckpointError, match=r"no checkpoint to continue from; .* `overwrite=True`"):
        sinct.train(*pair, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_two_trainings_in_one_folder_are_one_line(pair, tiny, tmp_path):
    def second(progress):
        sinct.train(*pair, tmp_path / "run", config=tiny, overwrite=True)

    with pytest.raises(
        sinct.OutputError, match=rf"sinct \(process {os.getpid()}\) is working in .*run; .*another `run_dir`"
    ):
        sinct.train(*pair, tmp_path / "run", config=tiny, on_progress=second)
    assert not (tmp_path / "run" / LOCK).exists()


def test_training_that_cannot_start_leaves_no_run(pair, make_picture, tiny, tmp_path):
    speck = make_picture("speck.png", 5, 5)
    settings = tiny.replace(crop_size=4, tile_size=4, discriminator_widths=(4,), patience=1.0)
    with pytest.raises(sinct.ConfigError, match="too small"):
        sinct.train(speck, pair[1], tmp_path / "run", config=settings)
    assert not (tmp_path / "run").exists()


def test_model_is_loaded_by_the_names_of_folder_and_device(pair, tiny, tmp_path):
    training = sinct.train(*pair, tmp_path / "run", config=tiny)
    loaded = sinct.load_model(str(tmp_path / "run"), "cpu")
    picture = torch.rand(3, 20, 24) * 2 - 1
    assert loaded.translate(picture).equal(training.model.translate(picture))


def test_damaged_config_is_refused(pair, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    (tmp_path / "run" / "config.json").write_text("{")
    with pytest.raises(sinct.CheckpointError, match="damaged"):
        sinct.train(*pair, tmp_path / "run", resume=True)


def test_checkpoint_of_another_width_is_refused(pair, tiny, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    path = tmp_path / "run" / "config.json"
    path.write_text(path.read_text().replace('"width": 4', '"width": 6'))
    with pytest.raises(sinct.CheckpointError, match="does not fit these settings"):
        sinct.train(*pair, tmp_path / "run", resume=True)


def test_non_finite_loss_keeps_the_last_good_checkpoint(pair, tiny, tmp_path, monkeypatch):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    nan = torch.tensor(float("nan"), requires_grad=True)
    monkeypatch.setattr("sinct.objectives.cut.generator_loss", lambda logits, weights: nan * logits.sum())
    with pytest.raises(sinct.TrainingError, match="adversarial_g is nan at step 5"):
        sinct.train(*pair, tmp_path / "run", config=tiny.replace(steps=8), resume=True)
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == before


def test_out_of_memory_says_what_would_fit(pair, tiny, tmp_path, monkeypatch):
    def exhausted(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("sinct.objectives.cut.Trainer.step", exhausted)
    with pytest.raises(sinct.DeviceError, match=r"out of memory on cpu: 2 crops .*`crops=2`"):
        sinct.train(*pair, tmp_path / "run", config=tiny)


def test_translation_retries_in_smaller_windows_when_memory_is_short(pair, tiny, tmp_path, monkeypatch):
    model = sinct.train(*pair, tmp_path / "run", config=tiny).model
    tried = []

    def short(generator, cut, height, width, *, window, **_):
        tried.append(window)
        if window > 256:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return cut(slice(0, height), slice(0, width))

    monkeypatch.setattr("sinct.inference.model.translate_whole", short)
    assert model.generate(torch.zeros(3, 8, 8)).shape == (3, 8, 8)
    assert tried == [1024, 512, 256]


def test_full_disk_while_saving_keeps_the_older_checkpoint(pair, tiny, tmp_path, monkeypatch):
    sinct.train(*pair, tmp_path / "run", config=tiny)
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(sinct.OutputError, match=r"checkpoint\.safetensors: No space left on device"):
        sinct.train(*pair, tmp_path / "run", config=tiny.replace(steps=8), resume=True)
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == before
    assert not list((tmp_path / "run").glob(".*"))


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else False, reason="root may write anywhere")
def test_run_directory_that_cannot_be_made_is_refused(pair, tiny, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(sinct.OutputError, match="cannot write"):
        sinct.train(*pair, tmp_path / "locked" / "run", config=tiny)


def test_importing_sinct_imports_neither_torch_nor_the_command_line():
    # in a fresh interpreter, as the other tests have imported everything
    import subprocess

    code = "import sinct, sys; print([m for m in ('torch', 'typer', 'rich', 'numpy') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_library_needs_neither_typer_nor_rich():
    import subprocess

    code = (
        "import sys; sys.modules['typer'] = sys.modules['rich'] = None; import sinct; "
        "[getattr(sinct, name) for name in sinct.__all__]; print('ok')"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "ok"


def test_every_public_name_exists():
    with warnings.catch_warnings():
        assert all(getattr(sinct, name) is not None for name in sinct.__all__)


def test_preparation_is_told_in_words_before_the_first_step(pair, tiny, tmp_path):
    told = []
    sinct.train(
        *pair,
        tmp_path / "run",
        config=tiny.replace(recolour=True, repaint=True, texture=True, remove_strokes=True, steps=10),
        on_preparing=told.append,
        on_progress=lambda progress: told.append(progress.step),
    )
    assert told[:-1] == [
        "preparing the pictures",
        "taking strokes out of the painting",
        "matching the photo's colours",
        "making a painted photo to learn from",
        "finding the photo's textures",
        "preparing the preview",
        "taking the first steps",
        5,
    ]


def test_nothing_is_prepared_before_all_that_was_given_is_checked(pair, tiny, tmp_path):
    told = []
    with pytest.raises(sinct.ConfigError, match="crop"):
        sinct.train(
            *pair,
            tmp_path / "run",
            config=tiny.replace(crop_size=64, tile_size=16, max_width=64, min_width=64),
            on_preparing=told.append,
        )
    assert told == []


def test_no_first_steps_are_told_where_there_are_none(pair, tiny_warm_start, tmp_path):
    told = []
    sinct.train(*pair, tmp_path / "run", config=tiny_warm_start.replace(steps=0), on_preparing=told.append)
    assert told[-1] == "preparing the preview"


def test_notebooks_show_the_picture_and_the_trainings_preview(pair, tiny, tmp_path):
    done = sinct.translate(*pair, tmp_path / "out.png", config=tiny)
    with Image.open(io.BytesIO(done._repr_png_())) as shown:
        assert np.array_equal(np.asarray(shown), pixels_of(done.output))
    assert done.training._repr_png_() is not None
    done.output.unlink()
    assert done._repr_png_() is None
