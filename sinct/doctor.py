"""What this machine offers, and what sinct would choose on it."""

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from sinct.networks.torchvision_compat import import_torchvision
from sinct.presets import PRESETS, preset
from sinct.runtime.device import choose_device, cores, gains_from_bfloat16, memory
from sinct.version import __version__


def examine(device: str = "auto") -> dict[str, str]:
    """Report device, precision, threads, memory and versions.

    Args:
        device: auto, cpu, cuda, cuda:N or mps.

    Returns:
        One line of text per finding, by name, JSON-serialisable.

    Raises:
        DeviceError: the device is unknown or missing.
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
        "threads": f"{torch.get_num_threads()} of {cores()} processors",
        "memory": f"{room.free / 1e9:.1f} GB free of {room.total / 1e9:.1f} GB" if room else "unknown",
    }
    for name in PRESETS:
        config = preset(name, chosen)
        length = f"{config.seconds:.0f} s" if config.seconds else f"{config.steps} steps"
        facts[f"preset {name}"] = (
            f"{length}, generator width {config.width}, {config.crops} crops of {config.crop_size} px per step, "
            f"{'bfloat16' if config.mixed_precision else 'float32'}"
        )
    return facts


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
