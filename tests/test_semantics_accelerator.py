"""Networks that see what pictures show, on the pretended GPU of `tests.support.accelerator`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sinct.measures.labellers import deeplab_labeller
from sinct.measures.street_scores import find_labels, score_scenes
from sinct.networks.deeplab import DeepLab
from sinct.networks.drn import DRN
from sinct.training import segmenter
from tests.support.accelerator import DEVICE, Accelerator, pretended
from tests.support.street_scenes import draw_scenes

CPU = torch.device("cpu")

# The pretended GPU has the name of a device without values, into which torch expects no copies.
pytestmark = pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Accelerator]:
    with pretended(monkeypatch) as accelerator:
        yield accelerator


def test_step_of_a_segmenter_waits_for_nothing(gpu: Accelerator) -> None:
    network = DRN(19, width=2).to(DEVICE).train()
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1, momentum=0.9)
    pictures, labels = torch.rand(2, 3, 32, 32).to(DEVICE), torch.randint(0, 19, (2, 32, 32)).to(DEVICE)
    segmenter._step(network, optimizer, pictures, labels)
    with gpu.without_stalls():
        loss = segmenter._step(network, optimizer, pictures, labels)
    assert loss.isfinite()


def test_scenes_are_scored_on_the_device(gpu: Accelerator, tmp_path: Path) -> None:
    photographs, _, labels = draw_scenes(tmp_path, count=2)
    pairs = find_labels(sorted(photographs.iterdir()), sorted(labels.iterdir()))
    network = DRN(19, width=2).eval().requires_grad_(False)
    plain = {"mean": (0.0,) * 3, "deviation": (1.0,) * 3}
    found = [score_scenes(pairs, network.to(device), **plain) for device in (CPU, DEVICE)]
    assert (found[0] - found[1]).abs().sum() <= 0.001 * found[0].sum()  # roundings of near ties


def test_classes_are_labelled_on_the_device(gpu: Accelerator) -> None:
    network = DeepLab(182, blocks=(1, 1, 1, 1), width=4).to(DEVICE)
    labels = deeplab_labeller(network).label(torch.rand(3, 32, 32))
    assert labels.device == CPU
    assert labels.shape == (513, 513)


def test_a_segmenter_is_trained_and_goes_on_on_the_device(gpu: Accelerator, tmp_path: Path) -> None:
    photographs, _, labels = draw_scenes(tmp_path / "scenes", count=2)
    pairs = find_labels(sorted(photographs.iterdir()), sorted(labels.iterdir()))
    settings = segmenter.SegmenterSettings(epochs=2, batch_size=1, width=2, crop_size=32)
    given = {"start": None, "numbers": "ids", "device": DEVICE}
    answers = iter([False, False, True])
    output = tmp_path / "a.safetensors"
    early = segmenter.train_segmenter(pairs, output, settings, should_stop=lambda: next(answers), **given)
    assert early.steps == 2
    assert segmenter.train_segmenter(pairs, output, settings, resume=True, **given).finished
    segmenter.load_segmenter(output, CPU)
