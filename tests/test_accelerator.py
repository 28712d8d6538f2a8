"""Whatever runs on a GPU, on a pretended one: no mix of devices, and in a step no wait for values or copies.

What may wait is named here: losses are read every ten steps, pictures are prepared once, and results are written.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.data.colours import roughness
from sinct.data.content import Content, separate
from sinct.data.pair_content import prepare_pair
from sinct.inference.whole import translate_whole
from sinct.losses import (
    MemoryBank,
    bank_nce,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    patch_nce,
)
from sinct.measures.evaluator import Evaluator
from sinct.measures.structure import coarse_edges
from sinct.networks.base import sample_features
from sinct.networks.patchgan_discriminator import PatchDiscriminator
from sinct.networks.resnet_generator import ResnetGenerator
from sinct.networks.seeding import seeded
from sinct.objectives.cut import CutSettings, Trainer
from sinct.objectives.cyclegan import CycleSettings, CycleTrainer
from sinct.objectives.folder_gan import FolderGan, FolderGanSettings
from sinct.objectives.folder_methods import METHODS
from sinct.objectives.gcgan import GcSettings, GcTrainer
from sinct.objectives.pair_gan import PairGan
from sinct.pictures.picture import Picture
from sinct.presets import PRESETS, PUBLISHED, preset
from sinct.training.best import Looks
from sinct.training.pair_run import run_training
from sinct.training.preview import in_rows
from sinct.training.progress import Training
from sinct.training.run_directory import RunDirectory
from tests.support.accelerator import DEVICE, Accelerator, Stall, pretended
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

# The pretended GPU has the name of a device without values, into which torch expects no copies.
pytestmark = pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")

SMALL = {
    "width": 4,
    "discriminator_widths": (4, 8, 8),
    "crops": 2,
    "identity_crops": 2,
    "crop_size": 32,
    "tile_size": 16,
    "min_width": 32,
    "max_width": 48,
}


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Accelerator]:
    # Some CPUs take strokes out in bfloat16; the pretended GPU must do the same as the CPU.
    monkeypatch.setattr("sinct.data.strokes.gains_from_bfloat16", lambda device: False)
    with pretended(monkeypatch) as accelerator:
        yield accelerator


def picture(seed: int, height: int = 45, width: int = 60) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 4, 4, generator=random) * 1.6 - 0.8
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0]
    return smooth + 0.1 * torch.rand(3, height, width, generator=random)


BASELINES: dict[str, tuple[Any, Any]] = {
    "cyclegan": (CycleSettings, CycleTrainer),
    "gcgan": (GcSettings, GcTrainer),
}
"""Settings and training of a baseline, by name."""


def settings(name: str) -> CutSettings | CycleSettings | GcSettings:
    """A preset, or a baseline's settings, on the least that has all of it; strokes are left to one test."""
    if name in BASELINES:
        made: CycleSettings | GcSettings = BASELINES[name][0](**SMALL, tile_play=4, r1_interval=2, steps=20)
        return made
    chosen = preset(name, DEVICE, steps=20).replace(**SMALL, warm_start=False, remove_strokes=False)
    return chosen if name in PUBLISHED else chosen.replace(queries=4, r1_interval=2)


def trainer(name: str, device: torch.device = DEVICE, **changes: Any) -> PairGan[Any]:
    objective: Any = BASELINES[name][1] if name in BASELINES else Trainer
    return objective([picture(0), picture(2)], [picture(1)], settings(name).replace(**changes), device)


# The pretended GPU


@pytest.mark.parametrize(
    "stall",
    [
        lambda x: x.sum().item(),
        lambda x: float(x.mean()),
        lambda x: bool((x > 0).all()),
        lambda x: x.tolist(),
        lambda x: x.cpu(),
        lambda x: torch.zeros(4).copy_(x),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x.unique(),
        lambda x: x.new_tensor([1.0, 2.0]),
        lambda x: torch.tensor([1.0, 2.0], device=DEVICE),
        lambda x: torch.ones(4).to(DEVICE),
        lambda x: torch.ones(4).to(x),
        lambda x: x.copy_(torch.ones(4)),
        lambda x: x[torch.tensor([0, 2])],
    ],
)
def test_stalls_are_found(gpu: Accelerator, stall: Callable[[Tensor], object]) -> None:
    x = torch.arange(4.0, device=DEVICE)
    stall(x)  # which is no error
    with gpu.without_stalls(), pytest.raises(Stall):
        stall(x)


def test_mixed_devices_are_refused(gpu: Accelerator) -> None:
    with pytest.raises(RuntimeError, match="on the device and on the host"):
        torch.arange(4.0, device=DEVICE) + torch.arange(4.0)


@pytest.mark.parametrize("name", ["cut", *BASELINES])
def test_stall_in_a_loss_is_found(gpu: Accelerator, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    module = f"sinct.objectives.{name}.generator_loss"
    made = trainer("paper" if name == "cut" else name)
    made.step(made.sample())  # kernels are made once
    for reads, error in (
        (lambda logits, _weights=None: logits.mean() * logits.mean().item(), Stall),
        (lambda logits, _weights=None: logits.mean() * logits.new_tensor([1.0]).sum(), Stall),
        (lambda logits, _weights=None: (logits - torch.zeros(len(logits))).mean(), RuntimeError),
    ):
        monkeypatch.setattr(module, reads)
        with gpu.without_stalls(), pytest.raises(error):
            made.step(made.sample())


# Training


@pytest.mark.parametrize(
    "name", ["standard", *PUBLISHED, *BASELINES]
)  # a step of `draft` is one of `standard`
def test_step_waits_for_nothing(gpu: Accelerator, name: str) -> None:
    made = trainer(name)
    made.step(made.sample())
    with gpu.without_stalls():
        for made.steps_done in range(3):  # with R1 and without
            losses = made.step(made.sample())
    assert all(loss.isfinite() for loss in losses if not loss.isnan())


@pytest.mark.parametrize("name", ["paper", *BASELINES])
def test_losses_are_read_every_ten_steps(gpu: Accelerator, name: str) -> None:
    steps = trainer(name).run()
    next(steps)
    with gpu.without_stalls():
        for _ in range(8):
            next(steps)
    before = gpu.reads
    next(steps)
    assert gpu.reads == before + 1


def test_step_depends_on_the_device_through_chance_alone(gpu: Accelerator) -> None:
    # PatchNCE draws its positions on the device; the discriminator sees the same crops everywhere.
    found = []
    for device in (DEVICE, CPU):
        made = trainer("paper", device)
        losses = made.step(made.sample())
        found.append(torch.stack([losses.adversarial_d.cpu(), losses.r1.cpu()]))
    torch.testing.assert_close(*found)


def run(folder: Path, stop_after: int | None = None, *, resume: bool = False) -> Training:
    sources, targets = (
        [Picture(picture(seed), alpha=None, bits=8, dpi=None, exif=None, sha256="")] for seed in (0, 1)
    )
    config = settings("paper").replace(steps=8, patience=1.0, grain=0.1, smoothing=0.2, detail=0.5)
    taken = iter(range(100))
    return run_training(
        Trainer,
        sources,
        targets,
        RunDirectory(folder),
        names={},
        config=config,
        preset="paper",
        device=DEVICE,
        resume=resume,
        overwrite=False,
        on_progress=None,
        should_stop=None if stop_after is None else lambda: next(taken) >= stop_after,
    )


@pytest.mark.usefixtures("gpu")
def test_whole_run_with_looks_previews_and_resuming_gives_the_same_as_without_a_stop(tmp_path: Path) -> None:
    straight = run(tmp_path / "straight")
    assert straight.finished
    assert (tmp_path / "straight" / "preview.png").exists()
    assert not run(tmp_path / "stopped", 3).finished
    resumed = run(tmp_path / "stopped", resume=True)
    assert resumed.steps == straight.steps
    for ours, theirs in zip(
        straight.model.generator.parameters(), resumed.model.generator.parameters(), strict=True
    ):
        assert ours.cpu().equal(theirs.cpu())


def test_run_that_began_on_another_device_goes_on(gpu: Accelerator) -> None:
    state = trainer("paper", CPU).state()
    assert {name for name in state if "." not in name} == {"random"}
    made = trainer("paper")
    made.load_state(state, 0, 0.0)
    assert {name for name in made.state() if "." not in name} == {"random", f"random_{DEVICE.type}"}


Folder = tuple[ResnetGenerator, PatchDiscriminator, MemoryBank, Tensor]


def for_folders(device: torch.device) -> Folder:
    """Networks and a bank for trainings on folders of images, and two pictures, whose sides are no multiples of 4."""
    with seeded(0):
        parts = ResnetGenerator(4, 6), PatchDiscriminator(4), MemoryBank(8, 64)
    pictures = torch.stack([picture(seed) for seed in range(2)]).to(device)
    return *(part.to(device) for part in parts), pictures  # type: ignore[return-value]


def step_for_folders(
    generator: ResnetGenerator, discriminator: PatchDiscriminator, bank: MemoryBank, pictures: Tensor
) -> list[Tensor]:
    """Losses and some gradients."""
    translation, features = generator.translate(pictures)
    places = {depth: torch.arange(6, device=pictures.device).expand(2, 6) for depth in (2, 1)}
    deep, query = (F.normalize(each, dim=1) for each in generator.encode_at(translation, places))
    sampled = (sample_features(features[depth], positions) for depth, positions in places.items())
    deep_key, key = (F.normalize(each, dim=1) for each in sampled)
    fake = discriminator(translation)
    losses = [
        least_squares_discriminator_loss(discriminator(pictures), fake),
        least_squares_generator_loss(fake),
        patch_nce(deep, deep_key, images=2, alike=0.95),
        bank_nce(query, key, bank.vectors),
    ]
    bank.enqueue(key)
    weights = generator.stem.weight, discriminator.convolutions[0].weight
    return [*losses, *torch.autograd.grad(torch.stack(losses).sum(), weights), bank.vectors]


def test_networks_and_losses_for_folders_wait_for_nothing(gpu: Accelerator) -> None:
    made = for_folders(DEVICE)
    with gpu.without_stalls():
        step_for_folders(*made)


@pytest.mark.parametrize("method", ["munit", "drit"])
def test_step_with_styles_waits_for_nothing(gpu: Accelerator, tmp_path: Path, method: str) -> None:
    domains = drawn_domains(tmp_path)
    settings = {"munit": tiny_munit(cycle_weight=10.0, r1_weight=1.0), "drit": tiny_drit()}[method]
    made = METHODS[method].trainer(domains.source, domains.target, settings, DEVICE)
    made.step(made.sample())
    batch = made.sample()
    with gpu.without_stalls():
        losses = made.step(batch)
    assert all(loss.isfinite() for loss in losses)


@pytest.mark.usefixtures("gpu")
def test_networks_and_losses_for_folders_give_what_they_give_on_the_cpu() -> None:
    for ours, theirs in zip(
        step_for_folders(*for_folders(DEVICE)), step_for_folders(*for_folders(CPU)), strict=True
    ):
        torch.testing.assert_close(ours.cpu(), theirs)


FOLDER_METHODS = pytest.mark.parametrize(
    "config",
    [tiny_cut(), tiny_cycle(), tiny_gc(), tiny_gc(shared_generator=False, geometry="flip"), tiny_distance(),
     tiny_distance(distance="left_right", batch_size=1)],
    ids=["cut", "cyclegan", "gcgan", "gcgan apart", "distancegan", "self-distancegan"],
)  # fmt: skip


def folder_trainer(config: FolderGanSettings, place: Path, device: torch.device) -> FolderGan[Any]:
    """A training on drawn folders, by its settings."""
    (objective,) = {each.trainer for each in METHODS.values() if type(each.settings) is type(config)}
    domains = drawn_domains(place / str(device))
    made: FolderGan[Any] = objective(domains.source, domains.target, config, device)
    return made


@FOLDER_METHODS
def test_step_on_folders_waits_for_nothing(
    gpu: Accelerator, config: FolderGanSettings, tmp_path: Path
) -> None:
    made = folder_trainer(config, tmp_path, DEVICE)
    made.step(made.sample())
    batch = made.sample()  # which comes from the host
    with gpu.without_stalls():
        for made.steps_done in range(1, 4):  # until the pools are full
            losses = made.step(batch)
    assert all(loss.isfinite() for loss in losses)


# Preparation, looks, previews, measures: they read values, and say the same as on the CPU


def test_forms_and_roughness_are_found_without_a_wait(gpu: Accelerator) -> None:
    content, painting = Content(smoothing=0.3, detail=0.5), picture(0).to(DEVICE)
    with gpu.without_stalls():
        seen, kept = separate(painting, content)
        rough = roughness(painting, kept)
    wanted = separate(picture(0), content)
    torch.testing.assert_close(seen.cpu(), wanted.seen)
    torch.testing.assert_close(rough.cpu(), roughness(picture(0), wanted.kept))


def test_preparation_is_that_of_the_cpu(gpu: Accelerator) -> None:
    content = settings("standard").replace(remove_strokes=True).content

    def prepare(device: torch.device) -> list[Tensor]:
        found = prepare_pair(
            [picture(0).to(device)],
            [picture(1).to(device)],
            content,
            in_photos_colours=True,
            repaint=True,
            calm=True,
            texture=True,
        )
        return [each.cpu() for each in (*found.paintings[0], *found.painted)]

    for ours, theirs in zip(prepare(DEVICE), prepare(CPU), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert gpu.reads > 0  # quantiles, kinds of surface and the map of colours


def test_look_scores_as_on_the_cpu(gpu: Accelerator) -> None:
    scores = []
    for device in (DEVICE, CPU):
        made = trainer("paper", device)
        looks = Looks(made, [picture(0)], [picture(1)])
        made.steps_done = 20
        looks.take(made.model(made.present, (32, 48), {}).generate)
        assert made.best is not None
        scores.append(made.best.score)
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)


def test_translation_reads_nothing_but_the_result(gpu: Accelerator) -> None:
    made = trainer("paper")
    generator, painting = made.present, picture(0, 64, 96).to(DEVICE)
    before = gpu.reads
    translate_whole(generator, lambda rows, columns: painting[:, rows, columns], 64, 96)
    assert gpu.reads == before + 1


@pytest.mark.usefixtures("gpu")
def test_preview_takes_pictures_from_everywhere() -> None:
    assert in_rows([[picture(0), picture(1).to(DEVICE)]]).device == CPU


@pytest.mark.usefixtures("gpu")
def test_measures_are_those_of_the_cpu() -> None:
    pictures = [picture(seed, 136, 152) for seed in range(3)]
    ours, theirs = (
        Evaluator(pictures[0], pictures[1], device=device).measure(pictures[2]) for device in (DEVICE, CPU)
    )
    assert len(ours) > 12
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-4)


@pytest.mark.usefixtures("gpu")
def test_large_pictures_are_reduced_further_than_a_gpu_can() -> None:
    large = picture(0, 320, 3100)
    for ours, theirs in zip(coarse_edges(large.to(DEVICE), (32,)), coarse_edges(large, (32,)), strict=True):
        torch.testing.assert_close(ours.cpu(), theirs)


# A real one


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", [*PRESETS, *BASELINES])
def test_step_on_cuda_waits_for_nothing(name: str) -> None:
    made = trainer(name, torch.device("cuda"))
    made.step(made.sample())
    torch.cuda.set_sync_debug_mode("error")
    try:
        for made.steps_done in range(3):
            made.step(made.sample())
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@FOLDER_METHODS
def test_step_on_folders_on_cuda_waits_for_nothing(config: FolderGanSettings, tmp_path: Path) -> None:
    made = folder_trainer(config, tmp_path, torch.device("cuda"))
    made.step(made.sample())
    batch = made.sample()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for made.steps_done in range(1, 4):
            made.step(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_networks_and_losses_for_folders_on_cuda_wait_for_nothing() -> None:
    made = for_folders(torch.device("cuda"))
    step_for_folders(*made)
    torch.cuda.set_sync_debug_mode("error")
    try:
        step_for_folders(*made)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_mixed_precision_on_cuda_waits_for_nothing() -> None:
    made = trainer("standard", torch.device("cuda"), mixed_precision=True)
    made.step(made.sample())
    torch.cuda.set_sync_debug_mode("error")
    try:
        made.step(made.sample())
    finally:
        torch.cuda.set_sync_debug_mode("default")
