"""What versions 0.1 and 0.2 left on the disk goes on working."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sinct
from sinct.inference import checkpoint
from sinct.networks.stylegan2_generator import LinearGenerator
from tests.support.streaming import make_model

OLD = Path(__file__).parent / "support" / "version_0_1"


def samples(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture).astype(int)


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(OLD / "run", tmp_path / "run"))


@pytest.mark.parametrize(("model", "expected"), [("run", "applied"), ("resumed", "applied-resumed")])
def test_model_gives_the_same_picture(model, expected, tmp_path):
    sinct.apply(OLD / model, OLD / "painting.png", tmp_path / "out.png", device="cpu")
    difference = np.abs(samples(tmp_path / "out.png") - samples(OLD / f"{expected}.png"))
    assert (
        difference.max() <= 1
    )  # another processor may round a value on the edge of two levels the other way


def test_checkpoint_translates_without_its_model(run, tmp_path):
    (run / "model.safetensors").unlink()
    sinct.apply(run, OLD / "painting.png", tmp_path / "out.png", device="cpu")
    assert np.abs(samples(tmp_path / "out.png") - samples(OLD / "applied.png")).max() <= 1


def test_run_is_resumed_to_the_same_model(run):
    done = sinct.train(OLD / "painting.png", OLD / "photo.png", run, resume=True, device="cpu")
    assert (done.steps, done.kept, done.finished) == (8, 6, True)
    ours = checkpoint.load(run / "model.safetensors")
    theirs = checkpoint.load(OLD / "resumed" / "model.safetensors")
    assert ours.tensors.keys() == theirs.tensors.keys()
    for name, tensor in theirs.tensors.items():  # to rounding on other processors
        torch.testing.assert_close(ours.tensors[name], tensor, rtol=1e-2, atol=1e-3, msg=name)
    assert ours.description["objective"] == "cut"
    assert ours.description["generator"] == {"name": "compact", "width": 3}


def test_run_is_not_resumed_as_another_objective(run):
    from sinct.objectives.cyclegan import CycleTrainer
    from sinct.training.run_directory import RunDirectory

    with pytest.raises(sinct.CheckpointError, match="is a run of the objective cut, not of cyclegan"):
        RunDirectory(run).read_config(CycleTrainer)


def test_model_of_the_papers_generator_runs_in_the_network_that_it_was_trained_with(tiny, tmp_path):
    model = make_model(tiny, generator="stylegan2")
    described = model.description()
    del described["generator"], described["content"]  # which version 0.1 did not write down
    described["config"] = {**described["config"], "compact": False, "width": tiny.width}
    tensors = checkpoint.prefixed("generator", model.generator.state_dict())
    checkpoint.save(tmp_path / "model.safetensors", "model", tensors, described)
    loaded = sinct.load_model(tmp_path / "model.safetensors", "cpu")
    assert type(loaded.generator) is LinearGenerator
    picture = torch.rand(3, 24, 30, generator=torch.Generator().manual_seed(0)) * 2 - 1
    # the same but for the memory layout
    torch.testing.assert_close(loaded.generate(picture), model.generate(picture), rtol=0, atol=1e-5)


def test_run_of_version_02_is_resumed_with_its_generator_and_the_balance_of_its_losses(tiny, tmp_path):
    pictures = OLD / "painting.png", OLD / "photo.png"
    config = tiny.replace(generator="stylegan2", rate_epochs=0, shared_positions=False, r1_weight=0.5)
    straight = sinct.train(*pictures, tmp_path / "straight", config=config, device="cpu")
    asked = iter([False, False, True])
    run = tmp_path / "run"
    sinct.train(*pictures, run, config=config, device="cpu", should_stop=lambda: next(asked))
    facts = json.loads((run / "config.json").read_text())
    for name in ("rate_epochs", "shared_positions", "free_zoom"):  # as version 0.2 wrote them down
        del facts["config"][name]
    facts["config"]["r1_weight"] = 1.0
    (run / "config.json").write_text(json.dumps(facts))
    resumed = sinct.train(*pictures, run, resume=True, device="cpu")
    assert (resumed.steps, type(resumed.model.generator)) == (4, LinearGenerator)
    for ours, theirs in zip(
        resumed.model.generator.parameters(), straight.model.generator.parameters(), strict=True
    ):
        assert ours.equal(theirs)


def test_model_with_weights_of_another_generator_is_refused_in_one_line(tiny, tmp_path):
    model = make_model(tiny, generator="stylegan2")
    described = {**model.description(), "generator": {"name": "sincut", "width": tiny.width}}
    tensors = checkpoint.prefixed("generator", model.generator.state_dict())
    checkpoint.save(tmp_path / "model.safetensors", "model", tensors, described)
    with pytest.raises(sinct.CheckpointError, match="holds no generator that fits its settings") as caught:
        sinct.load_model(tmp_path / "model.safetensors", "cpu")
    assert "\n" not in str(caught.value)
