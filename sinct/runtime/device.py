"""The machine: which device to train on, what it is good at, how much memory and how many processors there are."""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from sinct.errors import DeviceError, OutOfMemoryError


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
    """Free and total memory of a device; None where the system does not say.

    Memory that the system holds as cache and would give back counts as free.
    """
    if device.type == "cuda":
        return Memory(*torch.cuda.mem_get_info(device))
    try:
        found = psutil.virtual_memory()
    except (OSError, psutil.Error):  # Linux without /proc
        return None
    return Memory(found.available, found.total)


def peak_memory() -> int | None:
    """Most memory that this process has held so far, in bytes: of the GPU if it used one, else resident."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated()
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    with suppress(OSError, KeyError, ValueError):  # Linux; its getrusage begins with what the parent held
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        marks = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        return int(marks["VmHWM"].split()[0]) * 1024
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def cores() -> int:
    """Processors that this process may use, at least 1."""
    try:
        return len(psutil.Process().cpu_affinity() or ()) or 1
    except (AttributeError, OSError, psutil.Error):  # macOS binds no process to processors
        return os.cpu_count() or 1


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that something did not fit into memory, whoever raised it.

    Only this function looks into texts: torch has a type of its own for CUDA alone, and reports a failed allocation
    elsewhere as RuntimeError, in words that differ by system.
    """
    if isinstance(error, (OutOfMemoryError, torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


_NO_MEMORY = ("allocate memory", "not enough memory", "out of memory")
"""What torch says on a CPU under Linux and macOS, under Windows, and on other accelerators."""
