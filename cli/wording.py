"""The library's messages, reworded for the command line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

OPTIONS = {
    "bits": "--bits",
    "config": "--set",
    "device": "--device",
    "each_faithful": "--each-faithful",
    "each_photo": "--each-photo",
    "from_scratch": "--from-scratch",
    "keep": "--keep",
    "label_numbers": "--label-numbers",
    "labels": "--labels",
    "mask": "--mask",
    "match": "--match",
    "method": "--method",
    "max_memory": "--max-memory",
    "network": "--network",
    "number": "--continue",
    "output": "-o",
    "overwrite": "--overwrite",
    "photo": "--photo",
    "photos": "--photos",
    "preset": "--preset",
    "presets": "--presets",
    "profile": "--profile",
    "ray": "--ray",
    "reference": "--reference",
    "regions": "--regions",
    "resume": "--resume",
    "retries": "--retries",
    "run_dir": "--run-dir",
    "samples": "--samples",
    "seconds": "--time",
    "seed": "--seed",
    "seeds": "--seeds",
    "segmenter": "--segmenter",
    "shared_model": "--shared-model",
    "size": "--size",
    "state": "--state",
    "steps": "--steps",
    "suffix": "--suffix",
    "weights": "--weights",
    "weights_dir": "--weights-dir",
    "workers": "--workers",
}
"""The library's arguments that have an option on the command line."""

ARGUMENT = re.compile(r"`(?P<name>[a-z_0-9]+)(?:=(?P<value>[^`]*))?`")


@contextmanager
def one_folder() -> Iterator[None]:
    """Advise -o rather than --run-dir, for a command that has one folder for everything."""
    run_dir = OPTIONS["run_dir"]
    OPTIONS["run_dir"] = OPTIONS["output"]
    try:
        yield
    finally:
        OPTIONS["run_dir"] = run_dir


def as_options(text: str) -> str:
    """Replace the Python arguments that messages write in backticks by command line options.

    `overwrite=True` becomes --overwrite, `device='cpu'` becomes --device cpu, and `crops=2`, a setting,
    becomes --set crops=2. Anything else in backticks stays as it is.
    """
    return ARGUMENT.sub(_option, text)


def _option(found: re.Match[str]) -> str:
    name, value = found["name"], found["value"]
    if name in OPTIONS:
        option = OPTIONS[name]
        if value is None or value == "True":
            return option
        return f"{option} {_amount(value) if name == 'max_memory' else value.strip(chr(39))}"
    if name in _settings():
        return f"--set {name}={'VALUE' if value is None else value}"
    return found[0]


def _amount(value: str) -> str:
    """A number of bytes as a person would write it."""
    return f"{float(value) / 1e9:.4g}GB"


def _settings() -> frozenset[str]:
    from sinct import Config  # a message about a setting comes from code that has imported it already

    return frozenset(Config.names())
