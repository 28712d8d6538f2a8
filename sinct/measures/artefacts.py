"""Traces of how a picture was computed: grids from transposed convolutions, seams between windows."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.warnings import luminance

BLOCK = 64
"""Side of the blocks whose spectra are averaged, in pixels."""


def power_spectrum(picture: Tensor, *, block: int = BLOCK) -> Tensor:
    """Mean power spectrum of a picture's blocks and channels.

    Args:
        picture: (C, H, W), no side shorter than a block.
        block: side of the blocks in pixels; they overlap by half and are weighted with a Hann window.

    Returns:
        (block, block): element (i, j) is the power at i cycles per block downwards and j to the right.

    Welch 1967 ("The Use of Fast Fourier Transform for the Estimation of Power Spectra").
    """
    window = torch.hann_window(block, device=picture.device, dtype=picture.dtype)
    spectra = []
    for row in picture.unfold(1, block, block // 2).unbind(1):  # one by one, as all at once take much memory
        blocks = row.unfold(1, block, block // 2)  # [channels, blocks, y, x]
        centred = (blocks - blocks.mean(dim=(2, 3), keepdim=True)) * window[:, None] * window
        spectra.append(torch.fft.fft2(centred).abs().square().mean(dim=(0, 1)))
    return torch.stack(spectra).mean(dim=0)


def grid_peaks(picture: Tensor, *, block: int = BLOCK) -> Tensor:
    """How far the spectrum rises at the frequencies of grids of 2 and 4 pixels.

    Args:
        picture: (C, H, W).
        block: see `power_spectrum`; a multiple of 4.

    Returns:
        (15,) power at i, j = 0, 1, 2, 3 cycles per 4 pixels, except at 0, 0, in dB above the mean of the surrounding
        frequencies, 3 to 5 bins away.

    Raises:
        ConfigError: the picture is smaller than a block.
    """
    height, width = picture.shape[-2:]
    if min(height, width) < block:
        raise ConfigError(
            f"a picture of {width}x{height} px is too small to look for a grid; give one of at least {block} px "
            "per side"
        )
    power = power_spectrum(picture, block=block)
    offsets = torch.arange(-5, 6)
    ring = torch.maximum(offsets[:, None].abs(), offsets.abs()) >= 3  # nearer ones belong to the peak itself
    peaks = []
    for index in range(1, 16):
        i, j = index // 4 * block // 4, index % 4 * block // 4
        around = power.roll((5 - i, 5 - j), dims=(0, 1))[:11, :11]
        surrounding = around[ring.to(power.device)].mean()
        tiny = torch.finfo(power.dtype).tiny
        peaks.append(10 * torch.log10((around[5, 5] + tiny) / (surrounding + tiny)))
    return torch.stack(peaks)


def checkerboard(output: Tensor, photo: Tensor) -> float:
    """Strongest trace of a grid of 2 or 4 pixels, beyond the photo's own.

    Args:
        output: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].

    Returns:
        Height of the highest peak at the grid's frequencies in dB, above the surrounding frequencies and
        above the photo's at the same frequency; 0 where there is none.

    Raises:
        ConfigError: a picture is smaller than 64 px.

    Ours, for the artefacts that Odena et al. 2016 describe ("Deconvolution and Checkerboard Artifacts").
    """
    return peak_excess(grid_peaks(output), grid_peaks(photo))


def peak_excess(output: Tensor, photo: Tensor) -> float:
    """Largest difference between two results of `grid_peaks`, in dB; dips in the photo's count as 0."""
    return float((output - photo.clamp_min(0)).amax().clamp_min(0))


def seams(output: Tensor, painting: Tensor, *, run: int = 128) -> float:
    """Largest step in luminance that runs straight along pixel rows or columns and is not in the painting.

    Args:
        output: (3, H, W) in [-1, 1].
        painting: (3, H, W) in [-1, 1], same scene.
        run: length over which a step must hold, in pixels, at most the shorter side. A run begins every quarter of
            that length.

    Returns:
        Step in grey levels out of 255; 0 where there is none.

    Raises:
        ConfigError: the pictures are smaller than 16 px.

    Ours. The step between two neighbouring columns is the difference between their means over the run, minus the
    same for the columns beside them, so that slopes do not count, and minus four standard errors, so that chance
    among thousands of positions does not count. A natural edge such as a horizon may be sharper in the output than
    in the painting. So what the painting has there, as a step or as a difference between means over 4 px, 4 px apart,
    is subtracted, scaled by how much stronger the output's contrast is.
    """
    height, width = painting.shape[-2:]
    if min(height, width) < 16:
        raise ConfigError(
            f"pictures of {width}x{height} px are too small to look for seams; give pictures of at least 16 px "
            "per side"
        )
    new, old = (luminance(picture) * 127.5 for picture in (output, painting))
    contrast = float(new.std() / old.std().clamp_min(1e-6))
    run = min(run, height, width)
    return max(
        float((_steps(a, run) - max(1.0, contrast) * _edges(b, run)).amax().clamp_min(0))
        for a, b in ((new, old), (new.T, old.T))
    )


def _steps(grey: Tensor, run: int) -> Tensor:
    """(H, W) -> (runs, W - 7): steps between columns 3 and 4, 4 and 5 and so on, as `seams` describes them."""
    between = grey.diff(dim=1)
    slope = (between[:, :-6] + between[:, 1:-5] + between[:, 5:-1] + between[:, 6:]) / 4
    sharp = between[:, 3:-3] - slope
    mean, square = F.avg_pool2d(torch.stack([sharp, sharp.square()]), (run, 1), (run // 4, 1))
    error = (square - mean.square()).clamp_min(0).sqrt() / run**0.5
    steps: Tensor = mean.abs() - 4 * error
    return steps


def _edges(grey: Tensor, run: int) -> Tensor:
    """(H, W) -> (runs, W - 7): steps at the same positions, sharp or not, the largest within 2 px."""
    padded = F.pad(grey[None], (2, 2, 0, 0), mode="replicate")
    means = F.avg_pool2d(padded, (run, 4), (run // 4, 1))[0]  # of columns k - 2 ... k + 1
    wide = (means[:, 8:] - means[:, :-8]).abs()
    return F.max_pool2d(torch.maximum(wide, _steps(grey, run))[None], (1, 5), 1, (0, 2))[0]
