"""What this machine offers, what sinct would choose on it, and how long that would take."""

import platform
import statistics
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import torch
from torch import Tensor

from sinct.data.strokes import find_strokes
from sinct.errors import counted
from sinct.networks.torchvision_compat import import_torchvision
from sinct.objectives.cut import CutSettings, Trainer
from sinct.pictures.picture import read_visible
from sinct.presets import PRESETS, STEPS, preset
from sinct.runtime.device import choose_device, cores, gains_from_bfloat16, memory
from sinct.runtime.files import StrPath
from sinct.runtime.speed import Shape, convolution_rate, flops_of, synchronise
from sinct.training.outlook import per_step, roughly
from sinct.version import __version__

TIMED = "draft"
"""Preset whose steps are timed; those of our other presets take as long."""

SECONDS = 3.0
"""Time after which no further step is timed."""

MOST = 10
"""Most steps that are timed."""

MOST_WIDTHS = 2**20
"""About how many widths of strokes are looked at; `quantile` takes no more than 2 ** 24."""

SIZE = (192, 256)
"""Height and width of the pictures that are trained on, in pixels. A step takes as long with larger ones, but preparing
them takes longer."""


class Speed(NamedTuple):
    """How fast a training is.

    Attributes:
        step: seconds that a step takes.
        gflop: operations of a step in convolutions and matrix products, in 10^9.
        ceiling: GFLOP/s of a convolution alone at the training's shapes.
    """

    step: float
    gflop: float
    ceiling: float


def examine(device: str = "auto", *, timing: bool = False, painting: StrPath | None = None) -> dict[str, str]:
    """Report device, precision, threads, memory, versions, what each preset would do, and how wide strokes are.

    Args:
        device: auto, cpu, cuda, cuda:N or mps.
        timing: train for some steps, which takes 5 to 10 seconds, to tell how long each preset would take.
        painting: a painting whose strokes are looked at.

    Returns:
        One line of text per finding, by name, JSON-serialisable.

    Raises:
        DeviceError: the device is unknown or missing.
        InputError: the painting cannot be read.
    """
    chosen = choose_device(device)
    fast = gains_from_bfloat16(chosen)
    room = memory(chosen)
    facts = {
        "sinct": __version__,
        "python": f"{platform.python_version()} on {platform.platform()}",
        "torch": torch.__version__,
        "torchvision": _torchvision(),
        **{name: _version(name) for name in ("kornia", "numpy", "pillow", "safetensors")},
        "device": f"{chosen}{_why(chosen, device)}",
        "precision": "bfloat16 where rounding does no harm, since it is faster on this device"
        if fast
        else "float32, since bfloat16 is no faster on this device",
        "threads": f"{torch.get_num_threads()} of {counted(cores(), 'processor')}",
        "memory": f"{room.free / 1e9:.1f} GB free of {room.total / 1e9:.1f} GB" if room else "unknown",
    }
    speed = measure(preset(TIMED, chosen), chosen) if timing else None
    if speed is not None:
        facts["speed"] = (
            f"{per_step(speed.step)} of {TIMED}, {speed.gflop:.0f} GFLOP: {speed.gflop / speed.step:.0f} GFLOP/s, "
            f"where a convolution alone does {speed.ceiling:.0f} GFLOP/s"
        )
    for name in PRESETS:
        facts[f"preset {name}"] = described(name, preset(name, chosen), speed)
    if painting is not None:
        pixels = read_visible(painting).pixels
        facts["painting"] = f"{pixels.shape[2]}x{pixels.shape[1]} px"
        facts["strokes"] = strokes_in_words(find_strokes(pixels.to(chosen)).widths)
    return facts


def environment(device: str) -> dict[str, str]:
    """What `examine` finds, for reports: without what changes from minute to minute and what presets would do."""
    return {n: text for n, text in examine(device).items() if not n.startswith(("preset", "memory"))}


def strokes_in_words(widths: Tensor) -> str:
    """How wide strokes are, from a map of their widths in pixels, (H, W): in all, above and below if there is both."""
    some = widths.flatten()[:: 1 + widths.numel() // MOST_WIDTHS]
    low, middle, high = some.quantile(some.new_tensor([0.1, 0.5, 0.9])).tolist()
    told = f"about {middle:.1f} px wide, from {low:.1f} to {high:.1f} px in eight tenths of the painting"
    if len(widths) < 2:
        return told
    above, below = (float(half.median()) for half in widths.tensor_split(2))
    return f"{told}; {above:.1f} px in its upper half, {below:.1f} px in its lower half"


def described(name: str, config: CutSettings, speed: Speed | None) -> str:
    """One preset in words: steps, time where it is known, and what a step does.

    Args:
        name: its name.
        config: its settings.
        speed: how fast a training with our presets is.
    """
    steps = config.steps or 0
    takes = ""
    if speed is not None and steps and name in STEPS:
        takes = f", about {roughly(steps * speed.step)}"
    return (
        f"{counted(steps, 'step')}{takes}; generator width {config.width}, {counted(config.crops, 'crop')} of "
        f"{config.crop_size} px per "
        f"step, {'bfloat16' if config.mixed_precision else 'float32'}"
    )


def measure(config: CutSettings, device: torch.device) -> Speed:
    """Train on noise for a few seconds, and time a convolution.

    Args:
        config: settings to train with; their length does not matter.
        device: where the networks run.
    """
    random = torch.Generator().manual_seed(0)
    painting, photo = (torch.rand(3, *SIZE, generator=random) * 2 - 1 for _ in range(2))
    endless = config.replace(steps=10**9, seconds=None)
    steps = Trainer([painting], [photo], endless, device).run()
    # Lazy R1 is due at the first step of each interval. These two also warm up.
    with_r1, without = (flops_of(lambda: next(steps)) for _ in range(2))
    shares = 1 / config.r1_interval
    flops = with_r1 * shares + without * (1 - shares)
    dtype = torch.bfloat16 if config.mixed_precision else torch.float32
    return Speed(
        median_time(steps, lambda: seconds_now(device)),
        flops / 1e9,
        convolution_rate(body_shape(config), dtype, device, repeats=3),
    )


def seconds_now(device: torch.device) -> float:
    """The monotonic clock, once a device has done all its work."""
    synchronise(device)
    return time.monotonic()


def median_time(steps: Iterator[object], clock: Callable[[], float]) -> float:
    """Median time that a step takes, of as many as are done in `SECONDS`, but at least one and at most `MOST`.

    Args:
        steps: takes a step each time it is asked for the next.
        clock: seconds.
    """
    durations: list[float] = []
    began = before = clock()
    while not durations or (before - began < SECONDS and len(durations) < MOST):
        next(steps)
        now = clock()
        durations.append(now - before)
        before = now
    return statistics.median(durations)


def body_shape(config: CutSettings) -> Shape:
    """Shape of the feature maps in the generator's residual blocks, where most of a step's operations are."""
    return Shape(config.crops + config.identity_crops, 2 * config.width, config.crop_size // 2)


def _why(device: torch.device, asked: str) -> str:
    if device.type == "cuda":
        return f" ({torch.cuda.get_device_name(device)})"
    if asked != "auto":
        return " (as requested)"
    if device.type == "cpu":
        return " (this torch sees no CUDA or Metal device)"
    return ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _torchvision() -> str:
    try:
        return str(import_torchvision().__version__)
    except (ImportError, RuntimeError, OSError) as error:
        return f"cannot be imported ({str(error).splitlines()[0]}); install the build that fits torch"
