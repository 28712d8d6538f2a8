"""Which weights there are, and where they lie."""

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from platformdirs.api import PlatformDirsABC
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from sinct.errors import WeightsError
from sinct.weights.registry import FILES, WeightFile
from sinct.weights.store import cache_folder, locate
from tests.support.weights import DATA

# The table


@pytest.mark.parametrize("row", FILES.values(), ids=FILES)
def test_every_row_is_complete(row: WeightFile) -> None:
    assert all((row.name, row.file, row.licence, row.source, row.used_for))
    assert row.url.startswith("https://")
    assert row.url.endswith("/" + row.file)
    assert row.sha256 is None or set(row.sha256) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_checksum_begins_as_the_name_of_torchvisions_file_says(name: str) -> None:
    row = FILES[name]
    assert row.file == f"{name}-{(row.sha256 or '')[:8]}.pth"


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_url_is_torchvisions(name: str) -> None:
    from sinct.networks.torchvision_compat import import_torchvision

    models = import_torchvision().models
    assert FILES[name].url == models.get_model_weights(name).IMAGENET1K_V1.url


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_size_is_that_of_torchvisions_parameters_and_some_thousand_bytes(name: str) -> None:
    """Four bytes a parameter; the file format adds names and shapes."""
    from sinct.networks.torchvision_compat import import_torchvision

    parameters = import_torchvision().models.get_model_weights(name).IMAGENET1K_V1.meta["num_params"]
    assert 0 < (FILES[name].size or 0) - 4 * parameters < 10_000


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(WeightsError, match="unknown weights 'vgg11'; there are vgg16, vgg19, wct2_encoder"):
        locate("vgg11")


# The folder


def test_folder_is_the_one_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SINCT_WEIGHTS", str(tmp_path))
    assert cache_folder() == tmp_path


def test_tilde_in_the_environment_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINCT_WEIGHTS", "~/weights")
    assert cache_folder() == Path.home() / "weights"


@pytest.mark.skipif(os.name == "nt", reason="there the system says where caches belong, not the environment")
@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        (Unix, {}, "home/.cache/sinct/weights"),
        (Unix, {"XDG_CACHE_HOME": "xdg"}, "xdg/sinct/weights"),
        (MacOS, {}, "home/Library/Caches/sinct/weights"),
        (Windows, {}, "local/sinct/weights"),
    ],
)
def test_folder_is_the_platforms_cache(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    system: type[PlatformDirsABC],
    variables: dict[str, str],
    expected: str,
) -> None:
    for variable in ("SINCT_WEIGHTS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {"HOME": "home", **variables}.items():
        monkeypatch.setenv(variable, str(tmp_path / value))
    monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda name: str(tmp_path / "local"))
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    assert cache_folder() == tmp_path / expected


def test_files_are_looked_for_in_the_cache_folder(add, folder, monkeypatch) -> None:
    add()
    (folder / "tiny.pth").write_bytes(DATA)
    monkeypatch.setenv("SINCT_WEIGHTS", str(folder))
    assert locate("tiny") == folder / "tiny.pth"


def test_table_is_read_without_torch() -> None:
    code = "import sys, sinct.weights.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
