"""The machine: which device to train on, what it does fast, and how much memory and how many processors it has."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch import Tensor

from sinct.errors import DeviceError, OutOfMemoryError


def choose_device(name: str = "auto") -> torch.device:
    """Turn auto, cpu, cuda, cuda:N or mps into a device that this machine has.

    Raises:
        DeviceError: the name is unknown, or this machine has no such device.
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

    On a CPU this needs special instructions (AMX or AVX-512 BF16), without which bfloat16 is emulated and slower.
    On CUDA it needs compute capability 8.0.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and _has_bfloat16_instructions()
    return False


def _has_bfloat16_instructions() -> bool:
    """Look for the CPU flags on Linux. Elsewhere the answer is no, which may cost speed but never fails."""
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
    """Free and total memory of a device; None where the system does not report it.

    Memory that the system uses as cache and would release counts as free.
    """
    if device.type == "cuda":
        return Memory(*torch.cuda.mem_get_info(device))
    try:
        found = psutil.virtual_memory()
    except (OSError, psutil.Error):  # Linux without /proc
        return None
    return Memory(found.available, found.total)


def peak_memory() -> int | None:
    """Peak memory of this process so far, in bytes: GPU memory if it used a GPU, otherwise resident memory."""
    if torch.cuda.is_available():
        on_gpus = sum(map(torch.cuda.max_memory_allocated, range(torch.cuda.device_count())))
        if on_gpus:
            return on_gpus
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    with suppress(OSError, KeyError, ValueError):  # Linux, whose getrusage starts from the parent's memory
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        marks = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        return int(marks["VmHWM"].split()[0]) * 1024
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def with_cpu_fallback(work: Callable[[Tensor], Tensor], tensor: Tensor) -> Tensor:
    """Do some work on a tensor where it is, or on the CPU where its device cannot; the result is on its device.

    Metal and CUDA lack some operations, or have them for some sizes only, and say so in a RuntimeError.
    """
    try:
        return work(tensor)
    except RuntimeError as error:
        if tensor.device.type == "cpu" or is_out_of_memory(error):
            raise
    return work(tensor.cpu()).to(tensor.device)


def cores() -> int:
    """Processors that this process may use, at least 1."""
    try:
        return len(psutil.Process().cpu_affinity() or ()) or 1
    except (AttributeError, OSError, psutil.Error):  # macOS does not bind processes to processors
        return os.cpu_count() or 1


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, from whatever source, means that something did not fit into memory.

    It has to look at the text: torch has an error type for CUDA only, and elsewhere reports a failed allocation as a
    RuntimeError whose wording depends on the system.
    """
    if isinstance(error, (OutOfMemoryError, torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


_NO_MEMORY = ("allocate memory", "not enough memory", "out of memory")
"""Torch's wording on a CPU under Linux and macOS, on a CPU under Windows, and on other accelerators."""
