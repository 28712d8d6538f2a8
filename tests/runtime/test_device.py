import sys
from pathlib import Path

import pytest
import torch

from sinct.errors import DeviceError
from sinct.networks.torchvision_compat import import_torchvision
from sinct.runtime.device import choose_device, gains_from_bfloat16, memory

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
    message = (
        rf"device '{name}' is not there: this torch \(.+\) sees 0 CUDA devices; give --device cpu or auto"
    )
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


@pytest.mark.skipif(sys.platform != "linux", reason="other systems may not tell")
def test_free_memory_is_part_of_the_whole() -> None:
    found = memory(CPU)
    assert found is not None
    assert 0 < found.free <= found.total


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
