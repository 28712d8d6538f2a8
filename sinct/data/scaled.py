"""Pictures of a folder as trainings on many pictures see them: in 8 bits, scaled, cropped and flipped.

Scaling is that of the code of Zhu et al. 2017 and Park et al. 2020: Pillow's bicubic on 8 bits of sRGB.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from sinct.config import ABOVE_0, FROM_0, SHARE, Settings, bounded
from sinct.errors import ConfigError, InputError
from sinct.pictures.decoding import read_header
from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.picture import read_picture
from sinct.runtime.files import StrPath, irregular, printable

Pixels = npt.NDArray[np.uint8]
"""(H, W, 3), sRGB."""

RESIZING = ("square", "width", "none")


@dataclass(frozen=True)
class FolderSettings(Settings):
    """What a step sees of two folders. The defaults are those of CycleGAN and CUT.

    Attributes:
        batch_size: pictures of each folder per step.
        load_size: side in pixels to which pictures are scaled before they are cropped, see `resizing`.
        crop_size: side of the square crops, in pixels.
        resizing: "square" scales both sides to `load_size`, whatever the shape (`resize_and_crop` of the authors'
            code); "width" scales the width to `load_size` and keeps the shape (`scale_width_and_crop`), but makes the
            height no less than a crop; "none" crops pictures as they are.
        flips: mirror half of the crops.
        whole_from: share of the training's steps from which pictures are scaled to `crop_size` at once, so that
            "square" shows them whole, and "width" their whole width; 1 never does, and "none" has no scaling to change.
            In the code of Park et al. 2020 it begins where the learning rate starts to fall; that of Zhu et al. 2017
            has no such thing. Where only the clock decides the length, it never begins: a step's batch must not depend
            on the clock.
        decoders: processes that read and scale pictures ahead of the training; with 0 it does so itself. Changes
            speed, not results (ours).
        cache_bytes: memory for scaled pictures, which then are read only once. Changes speed, not results (ours).
    """

    batch_size: int = bounded(1, ABOVE_0)
    load_size: int = bounded(286, ABOVE_0)
    crop_size: int = bounded(256, ABOVE_0)
    resizing: str = "square"
    flips: bool = True
    whole_from: float = bounded(1.0, SHARE)
    decoders: int = bounded(2, FROM_0)
    cache_bytes: int = bounded(1_000_000_000, FROM_0)

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        if self.resizing not in RESIZING:
            raise ConfigError(f"resizing must be one of {', '.join(RESIZING)}, got {self.resizing!r}")
        if self.resizing != "none" and self.load_size < self.crop_size:
            raise ConfigError(
                f"crop_size {self.crop_size} exceeds load_size {self.load_size}; make load_size as large or larger"
            )


def check_image(path: StrPath, settings: FolderSettings) -> tuple[str, ...]:
    """Look at a picture's header, to find most bad files before work begins.

    Returns:
        What a user should know about the file, such as a colour space that is not known.

    Raises:
        InputError: the file is missing or no picture, too large to be decoded, or, without scaling, smaller than a
            crop.
    """
    name = printable(path)
    if irregular(Path(path)):
        raise InputError(f"{name} is a pipe or a device; give a picture file")
    try:
        header = read_header(path)
        (width, height), remarks = header.size, header.remarks
    except (InputError, OSError):
        picture = read_picture(path)  # will say what is wrong with it
        width, height, remarks = picture.width, picture.height, ()
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{name} has {width}x{height} px, more than {MAX_PIXELS:,} pixels; give a smaller picture"
        )
    if settings.resizing == "none" and min(width, height) < settings.crop_size:
        raise InputError(
            f"{name} has {width}x{height} px, less than a crop of {settings.crop_size} px; give a larger picture, a "
            "smaller crop_size, or let it be scaled"
        )
    return remarks


def read_scaled(path: StrPath, settings: FolderSettings) -> Pixels:
    """Read a picture and scale it as `settings.resizing` says, without cropping.

    Transparent parts are laid over white, 16 bits rounded to 8, grey made RGB.

    Returns:
        (H, W, 3) uint8, sRGB.

    Raises:
        InputError: it cannot be read.
    """
    image = _read_8_bits(path)
    return np.asarray(_scaled(image, scaled_size(image.width, image.height, settings)))


def read_test_image(path: StrPath, settings: FolderSettings) -> Tensor:
    """Read a picture as the generator sees it in tests: whole, never cropped or flipped.

    Returns:
        (3, H, W) float32 in [-1, 1]: with "square" resizing `crop_size` x `crop_size` as in the paper's tests, with
        "width" `load_size` wide, with "none" at its own size.

    Raises:
        InputError: it cannot be read.
    """
    image = _read_8_bits(path)
    side = settings.crop_size
    square = settings.resizing == "square"
    size = (side, side) if square else scaled_size(image.width, image.height, settings)
    return to_signed(np.asarray(_scaled(image, size)))


def scaled_size(width: int, height: int, settings: FolderSettings) -> tuple[int, int]:
    """Width and height in pixels to which a picture is scaled before it is cropped."""
    side = settings.load_size
    if settings.resizing == "square":
        return side, side
    if settings.resizing == "width" and (width != side or height < settings.crop_size):
        return side, int(max(side * height / width, settings.crop_size))
    return width, height


def cropped(pixels: Pixels, size: int, down: float, across: float, flipped: bool) -> Tensor:
    """Cut a square crop out of a scaled picture.

    Args:
        pixels: (H, W, 3) uint8, no side below `size`.
        size: side of the crop, in pixels.
        down, across: its place among all possible ones, in [0, 1).
        flipped: whether to mirror it.

    Returns:
        (3, size, size) float32 in [-1, 1].
    """
    height, width = pixels.shape[:2]
    top, left = int(down * (height - size + 1)), int(across * (width - size + 1))
    crop = pixels[top : top + size, left : left + size]
    return to_signed(crop[:, ::-1] if flipped else crop)


def to_signed(pixels: Pixels) -> Tensor:
    """(H, W, 3) uint8 -> (3, H, W) float32 in [-1, 1]."""
    planes = np.array(np.moveaxis(pixels, 2, 0), dtype=np.float32, order="C")
    return torch.from_numpy(planes).div_(127.5).sub_(1)


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)


def _read_8_bits(path: StrPath) -> Image.Image:
    with warnings.catch_warnings():  # `check_image` gives these remarks, once
        warnings.simplefilter("ignore", UserWarning)
        picture = read_picture(os.fspath(path))
    unit = picture.pixels.add_(1).div_(2)
    if picture.alpha is not None:
        unit = unit * picture.alpha + (1 - picture.alpha)
    samples = unit.mul_(255).round_().clamp_(0, 255).to(torch.uint8)
    return Image.fromarray(samples.permute(1, 2, 0).contiguous().numpy())
