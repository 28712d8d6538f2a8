"""What is installed is what is there."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_package_is_installed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = [".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("sinct/**/__init__.py")]
    assert sorted(listed) == sorted([*found, "sinct_cli", "sinct_assets"])


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in ROOT.glob("sinct/**/*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []
