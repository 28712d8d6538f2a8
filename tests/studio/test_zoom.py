"""Deep Zooms in the studio, without a browser."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from PIL import Image

import sinct.studio
from sinct.batch import State
from sinct.errors import InputError
from sinct.studio import zoom
from sinct.studio.batch_rows import id_of
from sinct.studio.batches import Batches
from tests.support.batch_example import make_entry
from tests.support.studio import make_studio
from tests.support.studio_batch import write_deep_zoom, write_ledger

VENDORED = Path(sinct.studio.__file__).parent / "vendored"


@pytest.fixture
def studio(tmp_path, tiny):
    """A studio with a result as Deep Zoom, and the run that made it."""
    folder = tmp_path / "folder"
    (folder / "big.sinct").mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(folder / "scan.png")
    (folder / "big.sinct" / "config.json").write_text(
        json.dumps({"painting": "scan.png", "photos": ["scan.png"]})
    )
    write_deep_zoom(folder / "big.dzi")
    return make_studio(folder, tiny)


def test_openseadragon_is_as_its_authors_made_it_and_has_its_licence():
    told = re.search(r"`([0-9a-f]{64})`", (VENDORED / "README.md").read_text(encoding="utf-8"))
    assert told is not None
    assert hashlib.sha256((VENDORED / "openseadragon.js").read_bytes()).hexdigest() == told[1]
    assert "OpenSeadragon contributors" in (VENDORED / "LICENSE.openseadragon").read_text(encoding="utf-8")


def test_a_result_alone_is_shown_with_the_command_that_adds_its_painting(studio):
    found = zoom.of_file(studio, "big.dzi")
    assert (found.result.width, found.painting) == (1200, None)
    folder = studio.folder
    assert found.command == (
        f"sinct apply {folder}/big.sinct {folder}/scan.png -o {folder}/big-painting.dzi --strength 0"
    )


@pytest.mark.parametrize("name", ["big-painting.dzi", "scan.dzi"])
def test_a_painting_with_a_deep_zoom_is_shown_beside_its_result(studio, name):
    write_deep_zoom(studio.folder / name, seed=1)
    found = zoom.of_file(studio, "big.dzi")
    assert found.part("painting").path.name == name
    assert found.command == ""


def test_what_belongs_to_a_result_is_not_listed_by_itself(studio):
    write_deep_zoom(studio.folder / "big-painting.dzi")
    (studio.folder / ".hidden.dzi").touch()
    assert zoom.deep_zooms(studio) == ["big.dzi"]


def test_a_result_that_is_shown_smaller_comes_with_the_command_that_makes_a_deep_zoom(studio):
    (studio.folder / "big.dzi").unlink()
    assert zoom.large_results(studio) == []
    Image.new("RGB", (5000, 10)).save(studio.folder / "big.png")
    folder = studio.folder
    assert zoom.large_results(studio) == [
        ("big.png", f"sinct apply {folder}/big.sinct {folder}/scan.png -o {folder}/big.dzi")
    ]
    write_deep_zoom(studio.folder / "big.dzi")
    assert zoom.large_results(studio) == []


def test_a_deep_zoom_beside_a_batchs_result_is_found(tmp_path, tiny):
    out = tmp_path / "out"
    done = {"state": State.done, "figures": {"width": 5000, "height": 10}}
    write_ledger(out, [make_entry("large", "in/scan.tif", (), str(out / "large.tif"), **done)])
    studio = make_studio(out, tiny)
    batches = Batches(studio)
    with pytest.raises(InputError, match="there is no Deep Zoom of large"):
        zoom.of_job(studio, batches, "", id_of("large"))
    write_deep_zoom(out / "large.dzi")
    found = zoom.of_job(studio, batches, "", id_of("large"))
    assert found.result.path == out / "large.dzi"
    assert found.command == (
        f"sinct apply {out}/.sinct/runs/large/run in/scan.tif -o {out}/large-painting.dzi --strength 0"
    )
