"""Training steps per second and peak memory of each preset: `python -m benchmarks.step_rate`.

Each preset runs in a process of its own, on a seeded noise pair of 1200x966 and 1024x768 px, so that peak
memory is its own. Ratios are against the first preset named, measured in the same run.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time

import torch

import sinct
from sinct.device import choose_device
from sinct.training import Trainer


def measure(preset: str, device_name: str, steps: int) -> dict[str, float]:
    """Take warm-up steps, then time each step.

    Returns:
        median seconds a step, its spread (90th minus 10th percentile), and peak memory in GB.
    """
    device = choose_device(device_name)
    random = torch.Generator().manual_seed(0)
    painting, photo = (torch.rand(3, *size, generator=random) * 2 - 1 for size in ((966, 1200), (768, 1024)))
    trainer = Trainer(painting, [photo], sinct.preset(preset, device, steps=steps + 2), device)
    times = []
    started = time.perf_counter()
    for losses in trainer.run():
        losses.adversarial_d.item()  # waits for a GPU
        now = time.perf_counter()
        times.append(now - started)
        started = now
    deciles = statistics.quantiles(times[2:], n=10) if steps > 1 else times[2:] * 9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
    return {"median": statistics.median(times[2:]), "spread": deciles[-1] - deciles[0], "peak": peak / 1e9}


def main() -> None:
    """Run the presets one after another and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", choices=sinct.PRESETS, default=["standard", "paper"])
    parser.add_argument("--steps", type=int, default=10, help="timed steps, after 2 for warming up")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only", choices=sinct.PRESETS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.device, options.steps)))
        return
    print(
        f"sinct {sinct.__version__}, torch {torch.__version__}, Python {platform.python_version()}, "
        f"{choose_device(options.device)}, {torch.get_num_threads()} threads, {platform.machine()}"
    )
    print(f"{'preset':<10}{'steps/s':>9}{'s/step':>9}{'spread':>9}{'peak GB':>9}{'ratio':>8}")
    first = None
    for preset in options.presets:
        command = [sys.executable, "-m", "benchmarks.step_rate", "--only", preset]
        command += ["--steps", str(options.steps), "--device", options.device]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        first = first or found["median"]
        print(
            f"{preset:<10}{1 / found['median']:>9.3f}{found['median']:>9.3f}{found['spread']:>9.3f}"
            f"{found['peak']:>9.2f}{first / found['median']:>8.3f}"
        )


if __name__ == "__main__":
    main()
