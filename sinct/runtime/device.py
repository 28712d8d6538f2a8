"""Which device to train on, and what it is good at."""

import os
from dataclasses import dataclass

import torch

from sinct.errors import DeviceError


def choose_device(name: str = "auto") -> torch.device:
    """Resolve auto, cpu, cuda, cuda:N or mps to a device that is there.

    Raises:
        DeviceError: the name is unknown or this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(f"unknown device {name!r}; give auto, cpu, cuda, cuda:N or mps")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise DeviceError(
                f"device {name!r} is not there: this torch ({torch.__version__}) sees {count} CUDA devices; "
                "give `device='cpu'`, or install a CUDA build of torch"
            )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("device 'mps' is not there; give `device='cpu'`")
    return device


def gains_from_bfloat16(device: torch.device) -> bool:
    """Whether convolutions run faster in bfloat16 than in float32 on this device.

    On a CPU this takes instructions of its own (AMX or AVX-512 BF16); without them bfloat16 is emulated
    and slower. On CUDA it takes compute capability 8.0.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and _has_bfloat16_instructions()
    return False


def _has_bfloat16_instructions() -> bool:
    """Look for the CPU flags; elsewhere than on Linux say no, which costs speed but is never wrong."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = next((line for line in file if line.startswith(("flags", "Features"))), "").split()
    except OSError:
        return False
    return bool({"amx_bf16", "avx512_bf16", "bf16"} & set(flags))


@dataclass(frozen=True)
class Memory:
    """Memory of a device, in bytes."""

    free: int
    total: int


def memory(device: torch.device) -> Memory | None:
    """Free and whole memory of a device, or None where the system does not tell."""
    if device.type == "cuda":
        return Memory(*torch.cuda.mem_get_info(device))
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        available = os.sysconf("SC_AVPHYS_PAGES") * size
        with open("/proc/meminfo", encoding="ascii") as file:  # counts the cache that can be given back
            rows = dict(line.split(":", 1) for line in file)
        available = int(rows["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        return None
    return Memory(available, pages * size)
