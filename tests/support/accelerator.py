"""A pretended GPU: it computes on the CPU, but refuses what a real one refuses, and shows where it would be waited for.

Torch's own fake tensors cannot take a step without a GPU: the engine that computes gradients looks for the device,
and builds for CPUs abort. They have no values either, on which the preparation of pictures depends.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("meta")
"""What the pretended GPU is called, since torch knows no other name of a device that is always there."""

aten = torch.ops.aten

READS = {
    aten._local_scalar_dense.default,
    aten._unique2.default,
    aten.equal.default,
    aten.masked_select.default,
    aten.nonzero.default,
    aten.unique_dim.default,
}
"""Operations whose result, or its size, the host needs before it goes on. Among them are `.item()`, `float(x)`, and
whatever branches on a tensor."""

REDUCTIONS = {aten._upsample_bilinear2d_aa.default: 94, aten._upsample_bicubic2d_aa.default: 47}
"""Antialiased resizing, and the largest factor that CUDA reduces by at once."""

INDEXING = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default}
"""Operations that take indices from the host, and copy them."""


class Stall(Exception):
    """The host would wait for the device, or the device for the host."""


class OnDevice(torch.Tensor):
    """A tensor on the pretended GPU; its values are held on the CPU."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "OnDevice":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
            requires_grad=held.requires_grad,
        )
        made.held = held
        return made

    def tolist(self) -> Any:
        return self.cpu().tolist()  # which torch refuses to subclasses

    def new_tensor(self, data: Any, *, dtype: torch.dtype | None = None) -> torch.Tensor:
        return torch.tensor(data, dtype=dtype or self.dtype).to(DEVICE)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"{func} is called outside of the pretended GPU")


class _FromLists(TorchFunctionMode):
    """Makes tensors of Python's numbers as a GPU does: on the host first, then by a copy."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        device = kwargs.get("device")
        if func in (torch.tensor, torch.as_tensor) and device is not None and torch.device(device) == DEVICE:
            return func(*args, **kwargs | {"device": None}).to(DEVICE)
        return func(*args, **kwargs)


class Accelerator(TorchDispatchMode):
    """Computes on pretended tensors; within `without_stalls`, whatever would stall raises Stall."""

    def __init__(self) -> None:
        super().__init__()
        self.strict = False
        self.reads = 0
        self.copies = 0

    @contextmanager
    def without_stalls(self) -> Iterator[None]:
        """Refuse copies between host and device, and everything that reads values."""
        self.strict = True
        try:
            yield
        finally:
            self.strict = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, torch.Tensor)]
        if any(type(each) is torch.Tensor and each.device == DEVICE for each in given):
            raise Stall(f"{func} is given a tensor that was made of Python's numbers")
        here = any(isinstance(each, OnDevice) for each in given)
        there = any(each.ndim > 0 and not isinstance(each, OnDevice) for each in given)
        wanted = kwargs.get("device")
        to_device = wanted is not None and torch.device(wanted).type == DEVICE.type
        to_host = wanted is not None and not to_device
        if given and not here and to_device:
            self._copies(func)
        elif here and (to_host or func in READS):
            self._reads(func)
        elif func is aten.copy_.default and isinstance(args[0], OnDevice) is not isinstance(
            args[1], OnDevice
        ):
            self._copies(func) if isinstance(args[0], OnDevice) else self._reads(func)
        elif here and there and func in INDEXING:
            self._copies(func)
        elif here and there:
            raise RuntimeError(f"{func} is given tensors on the device and on the host")
        if (
            func in INDEXING
            and here
            and any(each is not None and each.dtype == torch.bool for each in args[1])
        ):
            self._reads(func)  # how many are chosen decides about the shape
        if here:
            _refuse(func, args)
        plain_args, plain_kwargs = tree_map(_held, (args, kwargs))
        if to_device:
            plain_kwargs["device"] = torch.device("cpu")
        result = func(*plain_args, **plain_kwargs)
        if (
            to_host
            or not (here or to_device)
            or (func is aten.copy_.default and not isinstance(args[0], OnDevice))
        ):
            return result
        wrapped = tree_map(lambda each: OnDevice(each) if isinstance(each, torch.Tensor) else each, result)
        return return_and_correct_aliasing(func, args, kwargs, wrapped) if here else wrapped

    def _reads(self, func: Any) -> None:
        if self.strict:
            raise Stall(f"{func} waits for a value from the device")
        self.reads += 1

    def _copies(self, func: Any) -> None:
        if self.strict:
            raise Stall(f"{func} copies to the device")
        self.copies += 1


def _refuse(func: Any, args: Any) -> None:
    """Raise RuntimeError for what CUDA or Metal cannot do."""
    if func in REDUCTIONS or func is aten._adaptive_avg_pool2d.default:
        sides = list(zip(args[0].shape[-2:], args[1], strict=True))
        if func in REDUCTIONS and any(side > REDUCTIONS[func] * wanted for side, wanted in sides):
            raise RuntimeError("Please reduce the scale factor. Too much shared memory required")
        if func not in REDUCTIONS and any(side % wanted for side, wanted in sides):
            raise RuntimeError("Adaptive pool MPS: input sizes must be divisible by output sizes")


def _held(value: Any) -> Any:
    return value.held if isinstance(value, OnDevice) else value


class Generator(torch.Generator):
    """A generator that draws on the pretended GPU, if it is made for it."""

    where: torch.device

    def __new__(cls, device: torch.device | str = "cpu") -> "Generator":
        made = super().__new__(cls)
        made.where = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.where


@contextmanager
def pretended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Accelerator]:
    """Have a GPU, `DEVICE`, for a while."""
    autocast, enabled = torch.autocast, torch.is_autocast_enabled

    # torch knows no autocast for this device
    def make_autocast(device_type: str, **arguments: Any) -> Any:
        return nullcontext() if device_type == DEVICE.type else autocast(device_type, **arguments)

    def is_enabled(device_type: str) -> bool:
        return device_type != DEVICE.type and enabled(device_type)

    with monkeypatch.context() as patch, Accelerator() as accelerator, _FromLists():
        patch.setattr(torch, "Generator", Generator)
        patch.setattr(torch, "autocast", make_autocast)
        patch.setattr(torch, "is_autocast_enabled", is_enabled)
        yield accelerator
