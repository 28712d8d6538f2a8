"""Where a picture may be written, and what lies there before."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

from sinct.errors import OutputError
from sinct.pictures.picture import (
    OUTPUT_SUFFIXES,
    check_output,
    read_picture,
    write_picture,
)
from tests.support.picture_files import (
    noise,
)
from tests.support.platforms import needs_links, needs_posix_errors


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize("suffix", [*OUTPUT_SUFFIXES, ".PNG"])
def test_free_name_passes_and_nothing_is_left(tmp_path: Path, suffix: str) -> None:
    check_output(tmp_path / "new" / "folders" / f"out{suffix}", overwrite=False, size=(10, 10), bits=8)
    assert listing(tmp_path) == []


def test_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    refusal = r"out\.png already exists; give another name, or `overwrite=True`"
    with pytest.raises(OutputError, match=refusal):
        check_output(path, overwrite=False)
    with pytest.raises(OutputError, match=refusal):
        write_picture(path, noise(2, 2))
    assert path.read_bytes() == b"old"


def test_existing_file_may_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    check_output(path, overwrite=True)
    assert path.read_bytes() == b"old"
    write_picture(path, noise(2, 2), overwrite=True)
    assert read_picture(path).pixels.shape == (3, 2, 2)
    assert listing(tmp_path) == [path]


@needs_links
def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "target.png")
    write_picture(tmp_path / "link.png", noise(2, 2))
    assert (tmp_path / "link.png").is_symlink()
    assert read_picture(tmp_path / "target.png").pixels.shape == (3, 2, 2)


def test_missing_directories_are_made(tmp_path: Path) -> None:
    write_picture(tmp_path / "new" / "folders" / "out.png", noise(2, 2))
    assert read_picture(tmp_path / "new" / "folders" / "out.png").pixels.shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        (
            "out.bmp",
            {},
            r"out\.bmp has the unknown suffix \.bmp, so its format is not known; give one of",
        ),
        (
            "out",
            {},
            r"out has no suffix, .* give one of \.png, \.jpg, \.jpeg, \.jpe, \.jfif, \.tif, \.tiff, \.webp",
        ),
        (
            "out.jpg",
            {"bits": 16},
            r"out\.jpg can hold 8 bits per channel, not 16; .* a \.png or \.tif file for 16",
        ),
        ("out.webp", {"bits": 16}, r"out\.webp can hold 8 bits per channel, not 16"),
        (
            "out.png",
            {"bits": 12},
            r"out\.png can hold 8 or 16 bits per channel, not 12; give `bits=8` or `bits=16`$",
        ),
        (
            "out.jpg",
            {"size": (65501, 9)},
            r"out\.jpg cannot hold 65501x9 px, only 65500 px a side; give a \.tif",
        ),
        ("out.webp", {"size": (9, 16384)}, r"out\.webp cannot hold 9x16384 px, only 16383 px a side"),
        ("folder.png", {}, r"folder\.png is a directory; give a file name in it"),
        pytest.param(
            "file/out.png", {}, r"cannot write .*out\.png: Not a directory", marks=needs_posix_errors
        ),
        pytest.param(
            "x" * 300 + ".png", {}, r"cannot write .*: File name too long", marks=needs_posix_errors
        ),
    ],
)
def test_impossible_output_is_refused(tmp_path: Path, name: str, options: dict[str, Any], match: str) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    before = listing(tmp_path)
    with pytest.raises(OutputError, match=match):
        check_output(tmp_path / name, overwrite=False, **options)
    assert listing(tmp_path) == before


def test_place_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(**_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "TemporaryFile", deny)
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: Permission denied"):
        check_output(tmp_path / "out.png", overwrite=False)


def test_write_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out.png").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: it is write-protected"):
        check_output(tmp_path / "out.png", overwrite=True)


@pytest.mark.parametrize(("suffix", "width"), [(".jpg", 65_500), (".webp", 16_383), (".png", 1_000_000)])
def test_largest_side_can_be_written(tmp_path: Path, suffix: str, width: int) -> None:
    write_picture(tmp_path / f"out{suffix}", torch.zeros(3, 1, width))
    assert read_picture(tmp_path / f"out{suffix}").pixels.shape == (3, 1, width)


@pytest.mark.parametrize("old", [None, b"old"])
def test_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes | None
) -> None:
    def fill(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "out.png"
    if old is not None:
        path.write_bytes(old)
    before = listing(tmp_path)
    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: No space left on device; "):
        write_picture(path, noise(2, 2), overwrite=old is not None)
    assert listing(tmp_path) == before
    assert old is None or path.read_bytes() == old


def test_file_that_appears_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "out.png", Path.write_bytes

    def write_late(temporary: Path, data: bytes) -> None:
        write(temporary, data)
        write(path, b"another's")

    monkeypatch.setattr(Path, "write_bytes", write_late)
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: File exists"):
        write_picture(path, noise(2, 2))
    assert path.read_bytes() == b"another's"
    assert listing(tmp_path) == [path]


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        OutputError, match=r"out\.png is not written because some of its pixels are not finite"
    ):
        write_picture(tmp_path / "out.png", torch.full((3, 2, 2), torch.nan))
    assert listing(tmp_path) == []


@pytest.mark.parametrize(("pixels", "alpha"), [((1, 2, 2), None), ((2, 2), None), ((3, 2, 2), (2, 2))])
def test_wrong_shape_is_a_programmers_error(
    tmp_path: Path, pixels: tuple[int, ...], alpha: tuple[int, ...] | None
) -> None:
    with pytest.raises(ValueError, match=r"pixels must be \(3, H, W\) and alpha \(1, H, W\), got \("):
        write_picture(
            tmp_path / "out.png", torch.zeros(pixels), alpha=None if alpha is None else torch.zeros(alpha)
        )
