"""Networks that say of each pixel what it shows: DeepLab v2 on COCO-Stuff, and those of torchvision.

Nothing is downloaded here: weights come from the cache or from a file.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.errors import ConfigError, WeightsError, did_you_mean, one_line
from sinct.measures.coco_stuff import COCO_STUFF
from sinct.networks.deeplab import DeepLab, prepared
from sinct.networks.torchvision_compat import import_torchvision
from sinct.networks.vgg import DEVIATION, MEAN
from sinct.pictures.resampling import antialiased

DEEPLAB = "deeplab_v2"
"""Name of DeepLab v2 among the networks, and of its file of weights."""

LONGER_SIDE = 513
"""Longer side in pixels of what DeepLab sees, that of its public demonstration."""

SHORTER_SIDE = 520
"""Shorter side of what torchvision's networks for segmentation see, as its weights say."""

SURE = 0.5
"""Least score of a detected thing, and least probability of a pixel of it."""


@dataclass(frozen=True)
class Labeller:
    """Says of each pixel of a picture what it shows.

    Attributes:
        classes: names by number.
        label: (3, H, W) in [-1, 1], sRGB -> (H', W') int64 numbers of classes; -1 for none.
        protocol: what it is and how it sees pictures, in a line.
    """

    classes: Sequence[str]
    label: Callable[[Tensor], Tensor]
    protocol: str

    def number(self, name: str) -> int:
        """The number of a class.

        Raises:
            ConfigError: it has no such class.
        """
        names = [each.lower() for each in self.classes]
        wanted = name.strip().lower()
        if wanted not in names:
            raise ConfigError(
                f"this network knows no class {name!r} among its {len(names)}{did_you_mean(wanted, names)}; choose "
                "another class or another `network`"
            )
        return names.index(wanted)


def deeplab_labeller(network: DeepLab, *, multi_scale: bool = True) -> Labeller:
    """DeepLab v2 with the classes of COCO-Stuff.

    Args:
        network: in its place, with as many classes.
        multi_scale: also look at half and three quarters of the size, as the published weights were trained.

    Pictures are scaled to `LONGER_SIDE` px, bilinearly, as the public demonstration does; logits are enlarged to that
    size. The conditional random field that may follow is left out.
    """

    def label(picture: Tensor) -> Tensor:
        device = next(network.parameters()).device
        factor = LONGER_SIDE / max(picture.shape[-2:])
        size = [max(1, int(side * factor)) for side in picture.shape[-2:]]
        seen = F.interpolate(prepared(picture.to(device))[None], size, mode="bilinear", align_corners=False)
        with torch.no_grad():
            logits = network.at_scales(seen) if multi_scale else network(seen)
        whole = F.interpolate(logits, size, mode="bilinear", align_corners=False)
        return whole[0].argmax(dim=0).cpu()

    scales = "at three scales" if multi_scale else "at one scale"
    return Labeller(
        COCO_STUFF, label, f"DeepLab v2 with ResNet-101 on COCO-Stuff, {LONGER_SIDE} px {scales}, without CRF"
    )


def segmentation_labeller(network: nn.Module, classes: Sequence[str], protocol: str) -> Labeller:
    """A network for segmentation as torchvision has them.

    Args:
        network: normalised pictures -> dict with logits "out", (N, C, H, W).
        classes: names by number.
        protocol: what it is.
    """

    def label(picture: Tensor) -> Tensor:
        device = next(network.parameters()).device
        factor = SHORTER_SIDE / min(picture.shape[-2:])
        size = [max(1, math.floor(side * factor)) for side in picture.shape[-2:]]
        unit = (antialiased(picture[None].to(device), size).clamp(-1, 1) + 1) / 2
        mean, deviation = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, DEVIATION))
        with torch.no_grad():
            logits: Tensor = network((unit - mean) / deviation)["out"]
        return logits[0].argmax(dim=0).cpu()

    return Labeller(classes, label, f"{protocol}, shorter side {SHORTER_SIDE} px")


def detection_labeller(network: nn.Module, classes: Sequence[str], protocol: str) -> Labeller:
    """A network that finds things and their masks, as torchvision has them.

    Args:
        network: list of (3, H, W) in [0, 1] -> list of dicts with "labels", "scores" and "masks", (N, 1, H, W).
        classes: names by number.
        protocol: what it is.

    Where things overlap, a pixel is of the surer one.
    """

    def label(picture: Tensor) -> Tensor:
        device = next(network.parameters()).device
        try:
            with torch.no_grad():
                (found,) = network([(picture.to(device) + 1) / 2])
        except RuntimeError as error:
            if "custom C++ ops" not in str(error) and "torchvision::" not in str(error):
                raise
            raise ConfigError(
                "torchvision's own operations do not fit this torch, and networks that detect things need them; "
                "install the two together, or choose a `network` for segmentation"
            ) from None
        if "masks" not in found:
            raise ConfigError(
                "this network finds boxes without masks, whose pixels are not those of bodies; choose a `network` with "
                "masks, such as maskrcnn_resnet50_fpn"
            )
        numbers = torch.full(picture.shape[-2:], -1, dtype=torch.int64)
        for index in found["scores"].argsort().tolist():  # the surest last
            if found["scores"][index] >= SURE:
                numbers[found["masks"][index, 0].cpu() >= SURE] = int(found["labels"][index])
        return numbers

    return Labeller(classes, label, f"{protocol}, things and pixels of at least {SURE}")


def torchvision_networks() -> tuple[str, ...]:
    """Names of torchvision's networks for segmentation, and of those for detection that find masks."""
    models = import_torchvision().models
    masked = [name for name in models.list_models(models.detection) if name.startswith("maskrcnn")]
    return (*models.list_models(models.segmentation), *masked)


def torchvision_labeller(
    name: str, state: Mapping[str, Tensor] | None, device: torch.device, *, seed: int = 0
) -> Labeller:
    """Build a network of torchvision with the classes that its published weights have.

    Args:
        name: see `torchvision_networks`.
        state: names and tensors of a file of weights; None draws random ones.
        device: where to put it.
        seed: seeds random weights.

    Raises:
        ConfigError: there is no such network.
        WeightsError: the weights do not fit.
    """
    torchvision = import_torchvision()
    known = torchvision_networks()
    if name not in known:
        raise ConfigError(
            f"there is no network {name!r:.100}; choose one of {DEEPLAB}, {', '.join(known)}{did_you_mean(name, known)}"
        )
    classes = _categories(torchvision, name)
    options: dict[str, Any] = {"weights": None, "weights_backbone": None, "num_classes": len(classes)}
    if state is not None and any(key.startswith("aux_classifier.") for key in state):
        options["aux_loss"] = True
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = torchvision.models.get_model(name, **options)
    if state is not None:
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise WeightsError(
                f"these are not the weights of torchvision's {name} ({one_line(error)})"
            ) from None
    network.to(device).eval().requires_grad_(False)
    make = detection_labeller if name.startswith("maskrcnn") else segmentation_labeller
    return make(network, classes, f"torchvision's {name}, {len(classes)} classes")


def _categories(torchvision: ModuleType, name: str) -> tuple[str, ...]:
    """Names of the classes of a network's published weights."""
    (first, *_) = torchvision.models.get_model_weights(name)
    return tuple(first.meta["categories"])
