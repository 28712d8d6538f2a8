"""Signs that a person would see in the picture, or should know of while it trains."""

import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor


def kind(warning: str) -> str:
    """What warnings have in common that differ in their figures only."""
    return "".join(letter for letter in warning if not letter.isdigit())


def luminance(picture: Tensor) -> Tensor:
    """(3, H, W) sRGB-encoded -> (H, W) luma with Rec. 601 weights, in the picture's range."""
    grey: Tensor = rgb_to_grayscale(picture)[0]
    return grey


def luminance_order(output: Tensor, painting: Tensor, *, size: int = 48) -> float:
    """Rank correlation of the two pictures' luminance at coarse scale.

    Args:
        output: (3, H, W) in [-1, 1].
        painting: (3, H', W') in [-1, 1], same scene.
        size: side of the square both are averaged down to, in pixels.

    Returns:
        Spearman's rho in [-1, 1]: 1 when what is lighter stays lighter, below 0 when light and dark are
        swapped, 0 when one picture is flat.
    """
    ranks = []
    for picture in (output, painting):
        coarse = F.adaptive_avg_pool2d(luminance(picture.float())[None], size).flatten()
        rank = coarse.argsort().argsort().float()
        ranks.append((rank - rank.mean()) * float(coarse.max() - coarse.min() > 1e-4))
    return float(F.cosine_similarity(ranks[0], ranks[1], dim=0))


def clipped_share(output: Tensor) -> float:
    """Share of pixels that are blown to white, in [0, 1]: all channels above 250 of 255."""
    return float((output > 250 / 127.5 - 1).all(dim=0).float().mean())


def picture_warnings(output: Tensor, painting: Tensor) -> list[str]:
    """Warn of what is wrong with a translation so far: inverted, flat, or blown out.

    Args:
        output: (3, H, W) in [-1, 1].
        painting: (3, H, W) in [-1, 1].

    Returns:
        One line each; empty when nothing is.
    """
    found = []
    order = luminance_order(output, painting)
    contrast, original = (
        float(luminance(output).std(correction=0)),
        float(luminance(painting).std(correction=0)),
    )
    if contrast < 0.1 * original:
        found.append(
            f"the output has collapsed to one tone (contrast {contrast:.3f}, painting {original:.3f}); "
            "try another --seed"
        )
    elif order < 0:
        found.append(
            f"light and dark are inverted against the painting (luminance order {order:.2f}); "
            "try another --seed if it stays so"
        )
    blown = clipped_share(output) - clipped_share(painting)
    if blown > 0.2:
        found.append(f"{blown:.0%} of the picture is blown to white; if it stays so, try another --seed")
    return found


def discriminator_warnings(adversarial_d: Tensor) -> list[str]:
    """Warn of a discriminator that has won, from its latest losses.

    Args:
        adversarial_d: (N,) of consecutive steps, in nats.

    Returns:
        One line or none. At 2 log 2 = 1.39 it cannot tell, near 0 the generator learns nothing more.
    """
    mean = float(adversarial_d.mean())
    if len(adversarial_d) >= 50 and mean < 0.05:
        return [
            f"the discriminator has won (its loss is {mean:.3f} over {len(adversarial_d)} steps), so the picture "
            "stands still; try another --seed or a larger r1_weight"
        ]
    return []


def scale_warning(width: int, trained: tuple[int, int]) -> list[str]:
    """Warn of a picture far outside the widths that a generator was trained on.

    Args:
        width: of the picture, in pixels.
        trained: smallest and largest width of the training, in pixels.

    Returns:
        One line or none.
    """
    low, high = trained
    if low / 1.5 <= width <= high * 1.5:
        return []
    return [
        f"the picture is {width} px wide, the generator was trained at {low} ... {high} px: texture may come "
        "out at the wrong size; resize the picture or train on it"
    ]
