"""Warnings of visible flaws in a picture, and of a training that has gone wrong."""

import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor

from sinct.errors import Remark, counted
from sinct.pictures.resampling import averaged

LEAST_SHOWN = 0.02
"""Share of a picture of which flaws can be told, in squares of a 48th of its sides; less has no order of luminance."""


def luminance(picture: Tensor) -> Tensor:
    """(3, H, W) sRGB-encoded -> (H, W) luma with Rec. 601 weights, in the picture's range."""
    grey: Tensor = rgb_to_grayscale(picture)[0]
    return grey


def luminance_order(
    output: Tensor, painting: Tensor, *, size: int = 48, shown: Tensor | None = None
) -> float:
    """Rank correlation of the two pictures' luminance at a coarse scale.

    Args:
        output: (3, H, W) in [-1, 1].
        painting: (3, H', W') in [-1, 1], same scene.
        size: side in pixels of the square that both are averaged down to.
        shown: (H, W) in [0, 1]; squares of which less than half is shown do not count.

    Returns:
        Spearman's rho in [-1, 1]: 1 when lighter areas stay lighter, below 0 when light and dark are swapped, 0
        when one picture is flat.
    """
    counted = slice(None) if shown is None else averaged(shown[None], (size, size)).flatten() >= 0.5
    ranks = []
    for picture in (output, painting):
        coarse = averaged(luminance(picture.float())[None], (size, size)).flatten()[counted]
        rank = coarse.argsort().argsort().float()
        ranks.append((rank - rank.mean()) * float(coarse.max() - coarse.min() > 1e-4))
    return float(F.cosine_similarity(ranks[0], ranks[1], dim=0))


def clipped_share(output: Tensor) -> float:
    """Share of pixels, (3, ...) in [-1, 1], that are blown out to white, in [0, 1]: all channels above 250 of 255."""
    return float((output > 250 / 127.5 - 1).all(dim=0).float().mean())


ENOUGH, ENOUGH_FROM_RANDOM = 100, 1000
"""Steps below which a flaw is likely for want of training: those of `draft`, and, with a random start, ten times as
many (ours, a rule of thumb)."""

FLAWS = ("flat", "inverted", "blown")
"""Codes of what `picture_flaws` finds."""

ANOTHER_SEED = "try another `seed`"
"""What to do about a flaw of a training that has come to its end."""


def cure(steps: int, planned: int | None, *, warm: bool) -> str:
    """What to do about a flaw in a picture, from how far its training has come.

    Args:
        steps: steps that the generator was trained for.
        planned: length of its training in steps; None where only the clock decides.
        warm: whether it began with networks that had learned something.
    """
    if planned is not None and steps < planned:
        return f"it has had {steps:,} of {counted(planned, 'step')}, so let it train to their end first"
    enough = ENOUGH if warm else ENOUGH_FROM_RANDOM
    if steps < enough:
        return f"it has had {counted(steps, 'step')}, so train it longer first, with `steps={enough}` or more"
    return ANOTHER_SEED


def picture_warnings(
    output: Tensor, painting: Tensor, shown: Tensor | None = None, *, what_to_do: str = ANOTHER_SEED
) -> list[Remark]:
    """Warn if a translation so far is inverted, flat, or blown out, and say what helps a training of sinct's.

    Args:
        output, painting, shown: see `picture_flaws`.
        what_to_do: advice, see `cure`.

    Returns:
        One line per flaw; empty if there is none.
    """
    found = picture_flaws(output, painting, shown)
    return [Remark(flaw.code, f"{flaw}; {what_to_do}") for flaw in found]


def picture_flaws(output: Tensor, painting: Tensor, shown: Tensor | None = None) -> list[Remark]:
    """Say what is inverted, flat, or blown out in a translation, whatever made it.

    Args:
        output: (3, H, W) in [-1, 1].
        painting: (3, H, W) in [-1, 1].
        shown: (H, W) in [0, 1], how much of the translation shows in the output, if not all; only where it is half or
            more, flaws are looked for, and nowhere if that is less than `LEAST_SHOWN` of the picture.

    Returns:
        One line per flaw; empty if there is none.
    """
    seen, before = output, painting
    if shown is not None:
        where = shown >= 0.5
        if averaged(shown[None], (48, 48)).ge(0.5).float().mean() < LEAST_SHOWN:
            return []
        seen, before = (picture[:, None, where] for picture in (output, painting))
    found = []
    order = luminance_order(output, painting, shown=shown)
    contrast, original = (
        float(luminance(seen).std(correction=0)),
        float(luminance(before).std(correction=0)),
    )
    if contrast < 0.1 * original:
        text = f"the output has collapsed to one tone (contrast {contrast:.3f}, painting {original:.3f})"
        found.append(Remark("flat", text))
    elif order < 0:
        text = f"light and dark are inverted compared with the painting (luminance order {order:.2f})"
        found.append(Remark("inverted", text))
    blown = clipped_share(seen) - clipped_share(before)
    if blown > 0.2:
        of = "picture" if shown is None else "translated part"
        text = f"{blown:.0%} of the {of} is blown out to white"
        found.append(Remark("blown", text))
    return found


def discriminator_warnings(losses: Tensor, won_below: float) -> list[Remark]:
    """Warn of a discriminator that has won, judging by its latest losses.

    Args:
        losses: (N,) losses of consecutive steps, in nats. At log 2 = 0.69 a discriminator cannot tell photo from
            translation at all.
        won_below: mean below which the generator learns nothing more, in nats.

    Returns:
        One line or none.
    """
    mean = float(losses.mean())
    if len(losses) >= 50 and mean < won_below:
        text = (
            f"the discriminator has won (its loss is {mean:.3f} over {len(losses)} steps), so the picture "
            "no longer changes; try another `seed` or a larger `r1_weight`"
        )
        return [Remark("discriminator_won", text)]
    return []


def scale_warning(width: int, trained: tuple[int, int]) -> list[Remark]:
    """Warn of a picture far outside the widths that a generator was trained on.

    Args:
        width: width of the picture, in pixels.
        trained: smallest and largest width in training, in pixels.

    Returns:
        One line or none.
    """
    low, high = trained
    if low / 1.5 <= width <= high * 1.5:
        return []
    text = (
        f"the picture is {width} px wide, but the generator was trained at {low} to {high} px, so texture may come "
        "out at the wrong size; resize the picture or train on it"
    )
    return [Remark("scale", text)]
