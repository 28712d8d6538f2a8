"""What region maps gain: `python -m benchmarks.regions`.

The demo pair was rendered, so where its sky, sea and land are is known. The painting is translated without maps, with
the true ones, and with one that a hand drew a few pixels beside the edges. Printed is how far the colours and textures
of each region of the result are from those of the same region of the photo (`sinct.measures.regions`).
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from assets.make_demo import MOTIF, PHOTO
from assets.scene import FARTHEST, NEAREST, Array, Scene, World, first_hits
from benchmarks.machine import RESULTS, describe, one_line, write_json
from sinct.api import apply, train
from sinct.data.region_borders import refined_for
from sinct.data.regions import share_of
from sinct.measures.regions import colour_gaps, region_colours, region_textures, texture_gaps
from sinct.pictures.picture import read_picture, write_picture
from sinct.presets import preset

NAMES = ("sky", "sea", "land")
"""Regions, by their labels."""

COLOURS = torch.tensor([[135, 206, 235], [0, 0, 160], [0, 130, 0]])
"""Their colours in maps."""

MISS = 8.0
"""Standard deviation in pixels by which the drawn map misses the edges."""


def true_regions(scene: Scene, width: int, height: int, block: int = 128) -> Tensor:
    """What each pixel of a rendered scene shows, (H, W) int64, with one ray for each as `assets.scene.render`."""
    world, focal = World(scene), scene.focal * width
    slopes = ((scene.horizon * height - np.arange(height) - 0.5) / focal).astype(np.float32)
    across = ((np.arange(width) + 0.5 - width / 2) / focal).astype(np.float32)
    steps = int(np.log(FARTHEST / NEAREST) * focal / 1.6)
    distance = np.geomspace(NEAREST, FARTHEST, steps).astype(np.float32)
    found = np.zeros((height, width), np.int64)
    for left in range(0, width, block):
        tan = across[left : left + block]
        x = distance[:, None] * tan
        z = np.broadcast_to(distance[:, None], x.shape)
        hits = first_hits(distance, world.surface(x, z, z * (1.2 / focal)), scene.eye, slopes)
        solid = np.isfinite(hits)
        away: Array = np.where(solid, hits, 1).astype(np.float32)
        aside, footprint = away * tan, away * (1 / focal)
        is_sea = world.sea(aside, away, footprint)[..., 0] > world.ground(aside, away, footprint).height
        found[:, left : left + len(tan)] = np.where(solid, np.where(is_sea, 1, 2), 0)
    return torch.from_numpy(found)


def by_hand(labels: Tensor, miss: float, seed: int = 1) -> Tensor:
    """A map whose borders miss by about so many pixels, now here, now there."""
    height, width = labels.shape
    drawn = torch.randn(
        1, 2, height // 60 + 2, width // 60 + 2, generator=torch.Generator().manual_seed(seed)
    )
    down, across = F.interpolate(miss * drawn, (height, width), mode="bicubic", align_corners=True)[0]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return labels[
        (rows + down).round().long().clamp(0, height - 1),
        (columns + across).round().long().clamp(0, width - 1),
    ]


def wrong(labels: Tensor, truth: Tensor) -> float:
    """Share of a picture that a map gives to a wrong region, in percent."""
    right = sum(float(share_of(labels, number)[truth == number].sum()) for number in range(len(NAMES)))
    return 100 * (1 - right / truth.numel())


def gaps(picture: Tensor, labels: Tensor, photo: Tensor, photo_labels: Tensor) -> dict[str, dict[str, float]]:
    """Distances of each region, in ΔE and in grey levels, by its name."""
    one, other = ([picture], [labels]), ([photo], [photo_labels])
    colour = colour_gaps(region_colours(*one), region_colours(*other))
    texture = texture_gaps(region_textures(*one), region_textures(*other))
    return {name: {"colour": colour[at], "texture": texture[at]} for at, name in enumerate(NAMES)}


def measure(name: str, steps: int | None, seeds: int, folder: Path) -> dict[str, Any]:
    """Translate without maps, with true ones and with a drawn one, and measure; see the module."""
    here = Path(next(iter(sys.modules["assets"].__path__)))
    paths = [here / "demo-painting.jpg", here / "demo-photo.jpg"]
    painting, photo = (read_picture(path).pixels for path in paths)
    truth = true_regions(MOTIF, painting.shape[2], painting.shape[1])
    photo_truth = true_regions(PHOTO, photo.shape[2], photo.shape[1])
    drawn = by_hand(truth, MISS)
    maps = {}
    for each, labels in {"painting": truth, "drawn": drawn, "photo": photo_truth}.items():
        maps[each] = folder / f"{each}-map.png"
        write_picture(maps[each], COLOURS[labels].permute(2, 0, 1) / 127.5 - 1, overwrite=True)
    config = preset(name, torch.device("cpu"))
    if steps is not None:
        config = config.replace(steps=steps)
    results: dict[str, Any] = {"painting": [gaps(painting, truth, photo, photo_truth)]}
    ways = {
        "without maps": [],
        "true maps": [maps["painting"], maps["photo"]],
        "drawn map": [maps["drawn"], maps["photo"]],
    }
    for way, regions in ways.items():
        results[way] = []
        for seed in range(seeds):
            made = train(
                paths[0],
                paths[1],
                folder / "run",
                config=config.replace(seed=seed),
                device="cpu",
                regions=regions,
                overwrite=True,
            )
            apply(made.model, paths[0], folder / "out.png", overwrite=True)
            results[way].append(gaps(read_picture(folder / "out.png").pixels, truth, photo, photo_truth))
            print(f"{way}, seed {seed}: {results[way][-1]}", file=sys.stderr, flush=True)
    shares = {
        f"{each}, {when}": wrong(labels, truth)
        for each, before in {"true map": truth, "drawn map": drawn}.items()
        for when, labels in {
            "as it is": before,
            "refined": refined_for(before.to(torch.uint8), painting),
        }.items()
    }
    return {"preset": name, "steps": config.steps, "seeds": seeds, "gaps": results, "wrong_percent": shares}


def table(found: dict[str, Any]) -> str:
    """The distances in Markdown, means over the seeds."""
    heads = [f"{name}, {kind}" for name in NAMES for kind in ("ΔE", "texture")]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for way, runs in found["gaps"].items():
        means = [
            sum(run[name][kind] for run in runs) / len(runs)
            for name in NAMES
            for kind in ("colour", "texture")
        ]
        lines.append(f"| {way} | {' | '.join(f'{mean:.1f}' for mean in means)} |")
    lines += ["", *(f"{name}: {share:.2f} % wrong" for name, share in found["wrong_percent"].items())]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="instant")
    parser.add_argument("--steps", type=int, help="instead of the preset's")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "regions", metavar="DIR")
    given = parser.parse_args()
    machine = describe(torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        found = measure(given.preset, given.steps, given.seeds, Path(folder))
    over = "seed 0" if found["seeds"] == 1 else f"means over {found['seeds']} seeds"
    how = f"Preset {found['preset']}, {found['steps']} steps; {over}."
    text = f"{one_line(machine)}\n\n{how}\n\n{table(found)}\n"
    write_json(given.output / "regions.json", {"machine": machine, **found})
    (given.output / "regions.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
