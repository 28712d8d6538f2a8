"""What the recipes of both networks that come with sinct share: options, log, half precision."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from assets.parts import Pool


def recipe_options(description: str | None, *, work: Path, first: int) -> argparse.ArgumentParser:
    """Options that both recipes have.

    Args:
        description: what the recipe is for.
        work: where everything is kept by default.
        first: paintings before the first step by default.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, default=Path(), help="folder with the photographs' packages")
    parser.add_argument("--photographs", type=Path, help="folder with the photographs, instead of --packages")
    parser.add_argument("--work", type=Path, default=work, help="where everything is kept")
    parser.add_argument("--seconds", type=float, default=300.0, help="length of the training")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=14, help="processes that paint")
    parser.add_argument("--first", type=int, default=first, help="paintings before the first step")
    parser.add_argument("--start", type=Path, help="weights to begin with, instead of random ones")
    return parser


def log(work: Path, steps: int, seconds: float, pool: Pool, terms: Mapping[str, float]) -> None:
    """Print how far a training is, and write it to `log.jsonl`."""
    line = {"steps": steps, "seconds": round(seconds, 1), "paintings": pool.painted}
    text = json.dumps(line | {name: round(term, 5) for name, term in terms.items()})
    print(text, flush=True)
    with (work / "log.jsonl").open("a") as stream:
        stream.write(text + "\n")


def in_half(network: nn.Module) -> dict[str, Tensor]:
    """A network's weights in half precision, on the CPU."""
    return {key: value.half().contiguous().cpu() for key, value in network.state_dict().items()}
