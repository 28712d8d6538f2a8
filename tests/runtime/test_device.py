import builtins
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from sinct.doctor import examine
from sinct.errors import DeviceError, OutOfMemoryError
from sinct.networks.torchvision_compat import import_torchvision
from sinct.runtime.device import (
    Memory,
    choose_device,
    cores,
    gains_from_bfloat16,
    is_out_of_memory,
    memory,
    peak_memory,
    with_cpu_fallback,
)
from tests.support.accelerator import DEVICE, pretended

CPU = torch.device("cpu")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a CPU only."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_cpu_is_always_there() -> None:
    assert choose_device("cpu") == CPU


@pytest.mark.usefixtures("bare")
def test_auto_falls_back_to_the_cpu() -> None:
    assert choose_device("auto") == choose_device() == CPU


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "meta", "xpu"])
def test_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=f"unknown device '{name}'; give auto, cpu, cuda, cuda:N or mps"):
        choose_device(name)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_absent_cuda_is_refused(name: str) -> None:
    message = rf"device '{name}' is not there: this torch \(.+\) sees 0 CUDA devices; give `device=.cpu.`"
    with pytest.raises(DeviceError, match=message):
        choose_device(name)


def test_cuda_index_beyond_the_last_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match=r"device 'cuda:2' is not there: .* sees 2 CUDA devices"):
        choose_device("cuda:2")


@pytest.mark.usefixtures("bare")
def test_absent_mps_is_refused() -> None:
    with pytest.raises(DeviceError, match="device 'mps' is not there; give `device='cpu'`"):
        choose_device("mps")


@pytest.mark.parametrize(("capability", "gains"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_cuda_gains_from_bfloat16_by_capability(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], gains: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert gains_from_bfloat16(torch.device("cuda")) is gains


def test_cpu_says_whether_it_gains_from_bfloat16() -> None:
    assert isinstance(gains_from_bfloat16(CPU), bool)


def test_mps_does_not_gain_from_bfloat16() -> None:
    assert gains_from_bfloat16(torch.device("mps")) is False


def test_free_memory_is_part_of_the_whole() -> None:
    found = memory(CPU)
    assert found is not None
    assert 0 < found.free <= found.total


def test_a_processor_may_always_be_used() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_peak_memory_grows_with_what_is_held() -> None:
    before = peak_memory()
    held = b"1" * 300_000_000
    after = peak_memory()
    assert before is not None
    assert after is not None
    assert after > max(before, len(held))


def test_peak_memory_counts_every_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: (0, 7, 2)[device])
    assert peak_memory() == 9


# What a device cannot do


def test_cpu_does_what_a_device_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(x: torch.Tensor) -> torch.Tensor:
        if x.device == DEVICE:
            raise NotImplementedError("not implemented for the MPS device")
        return x + 1

    with pretended(monkeypatch):
        done = with_cpu_fallback(work, torch.ones(2).to(DEVICE))
        assert done.device == DEVICE
        assert done.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("device", "error"), [(DEVICE, torch.OutOfMemoryError("out of memory")), (CPU, RuntimeError("shapes"))]
)
def test_other_failures_are_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, device: torch.device, error: Exception
) -> None:
    tries = []

    def work(x: torch.Tensor) -> torch.Tensor:
        tries.append(x)
        raise error

    with pretended(monkeypatch), pytest.raises(type(error), match=str(error)):
        with_cpu_fallback(work, torch.ones(2).to(device))
    assert len(tries) == 1


@pytest.fixture
def without_unix(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without what only Unix has, as far as that can be had on one."""
    real = builtins.open

    def refuse(file: Any, *args: Any, **kwargs: Any) -> Any:
        if str(file).startswith("/proc"):
            raise FileNotFoundError(2, "No such file or directory", file)
        return real(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", refuse)
    for name in ("sysconf", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)


@pytest.mark.usefixtures("without_unix")
def test_memory_is_found_by_psutil_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=3, total=8))
    assert memory(CPU) == Memory(3, 8)
    assert examine("cpu")["memory"] == "0.0 GB free of 0.0 GB"


@pytest.mark.skipif(sys.platform != "linux", reason="only there psutil reads /proc")
@pytest.mark.usefixtures("without_unix")
def test_a_system_that_says_nothing_is_no_obstacle() -> None:
    assert memory(CPU) is None
    assert cores() >= 1
    found = examine("cpu")
    assert found["memory"] == "unknown"
    assert found["threads"].endswith(" processors")


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("0.01 GB are too little"),
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),  # Windows
        RuntimeError("MPS backend out of memory"),
    ],
)
def test_lack_of_memory_is_recognised(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_a_failed_allocation_of_torch_is_lack_of_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    "error", [DeviceError("no memory of such a device"), RuntimeError("shapes differ"), ValueError("memory")]
)
def test_other_errors_are_not_lack_of_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)


# torchvision


def test_torchvision_can_be_imported_again_and_again() -> None:
    first = import_torchvision()
    assert import_torchvision() is first


def test_torchvision_models_work() -> None:
    import_torchvision()
    from torchvision.models import vgg16

    assert next(vgg16(init_weights=False).parameters()).shape == (64, 3, 3, 3)


def test_other_failures_of_the_import_are_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('something else')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    with pytest.raises(RuntimeError, match="something else"):
        import_torchvision()
