"""The table of formats is true: each of its kinds is read and written as it says, and there is no other list."""

import sys
from pathlib import Path

import pytest
import torch

import sinct
from cli.options import Format
from sinct.batch.collection import find_paintings
from sinct.errors import InputError
from sinct.pictures.encoding import FORMATS
from sinct.pictures.formats import KINDS, READ_SUFFIXES, WRITE_SUFFIXES, Kind
from sinct.pictures.manual import in_manual
from sinct.pictures.picture import check_output, read_picture, read_provenance, write_picture
from sinct.pictures.rows import open_source
from sinct.pictures.rows_to_file import SAVERS
from tests.support.odd_pictures import CASES
from tests.support.odd_pictures.case import Case

MODULES = {"heic": "pillow_heif", "raw": "rawpy", "psd": "psd_tools"}
MANUAL = Path(sinct.__file__).parent / "pictures" / "README.md"

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
each_kind_read = pytest.mark.parametrize("kind", [k for k in KINDS if k.read], ids=lambda kind: kind.name)
each_kind_written = pytest.mark.parametrize("kind", [k for k in KINDS if k.write], ids=lambda kind: kind.name)


def cases_of(kind: Kind) -> list[Case]:
    if kind.extra:
        pytest.importorskip(MODULES[kind.extra])
    return [
        case
        for case in CASES.values()
        if not case.refused and Path(case.file).suffix.lower() in kind.suffixes
    ]


def written(case: Case, folder: Path) -> Path:
    path = folder / case.file
    path.write_bytes(case.data)
    return path


@each_kind_read
def test_kind_is_read_with_the_bits_of_the_table(kind: Kind, tmp_path: Path) -> None:
    bits = {read_picture(written(case, tmp_path)).bits for case in cases_of(kind)}
    assert bits == set(kind.read)


@each_kind_read
def test_kind_is_read_in_rows_as_the_table_says(kind: Kind, tmp_path: Path) -> None:
    pytest.importorskip("pyvips")
    readers = {open_source(written(case, tmp_path)).reader for case in cases_of(kind)}
    if kind.in_rows == "at once":
        assert readers == {"whole"}
    else:
        assert set(kind.in_rows.split(", ")) <= readers


@each_kind_written
def test_kind_is_written_with_the_bits_of_the_table(kind: Kind, tmp_path: Path) -> None:
    pixels, facts = torch.linspace(-1, 1, 48).expand(3, 32, 48), {"preset": "draft", "seed": "1"}
    for suffix in kind.suffixes:
        assert FORMATS[suffix].bits == kind.write
        check_output(tmp_path / f"free{suffix}", overwrite=False, size=(48, 32), bits=kind.write[-1])
        for bits in kind.write if suffix != ".dzi" else ():
            path = tmp_path / f"{bits}{suffix}"
            write_picture(path, pixels, bits=bits, provenance=facts)
            picture = read_picture(path)
            assert picture.bits == bits
            torch.testing.assert_close(picture.pixels, pixels, atol=8 / 255, rtol=0)
            assert read_provenance(path) == facts


def test_every_kind_that_is_written_has_an_encoder() -> None:
    assert set(FORMATS) == set(WRITE_SUFFIXES)
    assert {f".{form}" for form in Format} <= set(WRITE_SUFFIXES)


def test_what_the_table_writes_in_rows_has_a_saver() -> None:
    assert {kind.suffixes[0] for kind in KINDS if kind.written_in_rows} == {*SAVERS, ".dzi"}


@pytest.mark.parametrize("kind", [k for k in KINDS if k.extra], ids=lambda kind: kind.name)
def test_kind_without_its_package_is_refused_in_one_line(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(cases_of(kind)[0], tmp_path)
    monkeypatch.setitem(sys.modules, MODULES[kind.extra], None)
    with pytest.raises(
        InputError, match=rf"needs the extra {kind.extra}; run `pip install [a-z-]+`"
    ) as caught:
        read_picture(path)
    assert "\n" not in str(caught.value)


APART = ["heic-rgb8", "psd-rgb8", "dng-grey-balance", "tif-float-f4", "jpeg-12bit"]


@pytest.mark.parametrize("name", [*APART, "jxl-rgb8", "avif-rgb10"])
def test_too_many_pixels_are_refused(name: str, tmp_path: Path) -> None:
    if name not in CASES:
        pytest.skip("its package is not installed")
    path = written(CASES[name], tmp_path)
    with pytest.raises(InputError, match=r"has \d+x\d+ px, more than 99 pixels; give a smaller picture"):
        read_picture(path, max_pixels=99)


@pytest.mark.parametrize("name", APART)
def test_kind_that_is_never_written_has_no_provenance(name: str, tmp_path: Path) -> None:
    if name not in CASES:
        pytest.skip("its package is not installed")
    assert read_provenance(written(CASES[name], tmp_path)) == {}


def test_batch_takes_exactly_the_suffixes_of_the_table(tmp_path: Path) -> None:
    for suffix in {suffix for kind in KINDS for suffix in kind.suffixes} | {".svg", ".txt"}:
        (tmp_path / f"a{suffix}").write_bytes(b"x")
    found = {Path(place).suffix for _, place in find_paintings(str(tmp_path))}
    assert found == set(READ_SUFFIXES)


def test_no_suffix_has_two_kinds() -> None:
    suffixes = [suffix for kind in KINDS for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes))


def test_table_in_the_manual_is_that_of_the_code() -> None:
    manual = MANUAL.read_text("utf-8")
    assert manual == in_manual(manual), "run `python -m sinct.pictures.manual`"
