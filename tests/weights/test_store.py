"""Weights that are found and read, and those that are refused."""

import errno
import hashlib
import os
from pathlib import Path

import pytest
import torch

from sinct.errors import WeightsError
from sinct.weights.store import Weights, locate, read_state
from tests.support.weights import DATA, SHA256, STATE, names, saved

# Files that are there, and those that are not


def test_missing_file_is_named_with_source_size_checksum_and_remedy(add, folder) -> None:
    add(size=1_234_567, sha256="0123")
    with pytest.raises(WeightsError) as caught:
        locate("tiny", folder)
    assert str(caught.value) == (
        f"tiny.pth (1.2 MB, sha256 begins with 0123) is not in {folder}; run "
        f"`sinct weights fetch tiny --weights-dir {folder}` with a network connection, or download "
        "http://127.0.0.1:9/tiny.pth and give its folder as `weights_dir`"
    )


def test_remedy_without_a_folder_names_none(add, folder, monkeypatch) -> None:
    add()
    monkeypatch.setenv("SINCT_WEIGHTS", str(folder))
    with pytest.raises(WeightsError, match="run `sinct weights fetch tiny` with"):
        locate("tiny")


def test_missing_file_without_known_size_and_checksum_says_so(add, folder) -> None:
    add(size=None, sha256=None)
    with pytest.raises(
        WeightsError, match=r"tiny.pth \(size not published, sha256 not published\) is not in"
    ):
        locate("tiny", folder)


def test_file_of_another_size_says_both(add, folder) -> None:
    add()
    (folder / "tiny.pth").write_bytes(DATA[:-1])
    with pytest.raises(
        WeightsError, match=f"has {len(DATA) - 1:,} bytes instead of {len(DATA):,}.*replace it"
    ):
        locate("tiny", folder)


def test_file_with_another_checksum_says_both(add, folder) -> None:
    add()
    other = bytes(len(DATA))
    (folder / "tiny.pth").write_bytes(other)
    found = hashlib.sha256(other).hexdigest()
    with pytest.raises(WeightsError, match=f"has sha256 {found} instead of {SHA256}.*replace it"):
        locate("tiny", folder)


def test_unreadable_file_says_so(add, folder, monkeypatch) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    add()
    (folder / "tiny.pth").write_bytes(DATA)
    monkeypatch.setattr(hashlib, "file_digest", refuse)
    with pytest.raises(WeightsError, match=r"cannot be read \(Permission denied\); check its permissions"):
        locate("tiny", folder)


# Loading


def written(folder: Path, add, data: bytes) -> None:
    add(sha256=None, size=None)
    (folder / "tiny.pth").write_bytes(data)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_loaded_state_is_what_was_saved(add, folder, zipped: bool) -> None:
    written(folder, add, saved(STATE, _use_new_zipfile_serialization=zipped))
    state = Weights(folder).load("tiny")
    assert state is not None
    assert list(state) == list(STATE)
    for name, value in state.items():
        torch.testing.assert_close(value, STATE[name], rtol=0, atol=0)


def test_random_weights_need_no_file(tmp_path: Path) -> None:
    assert Weights(tmp_path / "nowhere", random=True).load("vgg19") is None


def test_missing_weights_are_not_downloaded_in_passing(add, server, folder) -> None:
    add(server.url + "/whole")
    with pytest.raises(WeightsError, match="sinct weights fetch tiny"):
        Weights(folder).load("tiny")
    assert server.requests == 0


class Code:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_file_that_wants_to_run_code_is_refused(add, folder) -> None:
    written(folder, add, saved({"weight": Code(folder / "made")}))
    with pytest.raises(WeightsError, match=r"tiny.pth cannot be read as tensors.*contains code") as caught:
        Weights(folder).load("tiny")
    assert "\n" not in str(caught.value)
    assert names(folder) == ["tiny.pth"]


@pytest.mark.parametrize("data", [b"", b"version https://git-lfs", DATA[:300]], ids=["empty", "text", "cut"])
def test_file_that_is_no_pickle_is_refused(add, folder, data: bytes) -> None:
    written(folder, add, data)
    with pytest.raises(WeightsError, match=r"tiny.pth cannot be read as tensors by name .*delete it and run"):
        Weights(folder).load("tiny")


@pytest.mark.parametrize(
    ("content", "kind"), [([1, 2], "list"), ({"step": 3}, "dict")], ids=["list", "numbers"]
)
def test_file_without_tensors_is_refused(add, folder, content: object, kind: str) -> None:
    written(folder, add, saved(content))
    with pytest.raises(WeightsError, match=f"holds a {kind}, not a state dict of tensors by name"):
        Weights(folder).load("tiny")


# Files of any name


def test_a_file_of_any_name_is_read_with_its_checksum_or_the_beginning_of_it(folder) -> None:
    path = folder / "mine.pth"
    path.write_bytes(DATA)
    for sha256 in (None, SHA256, SHA256[:8].upper()):
        assert read_state(path, sha256).keys() == STATE.keys()


def test_a_file_of_a_training_is_read_by_its_state_dict(folder) -> None:
    path = folder / "mine.pth"
    path.write_bytes(saved({"epoch": 3, "state_dict": STATE}))
    assert read_state(path).keys() == STATE.keys()


@pytest.mark.parametrize(
    ("content", "sha256", "message"),
    [
        (None, None, r"mine\.pth cannot be read \(No such file or directory\)"),
        (DATA, "0123", f"has sha256 {SHA256} instead of 0123"),
        (b"text", None, "cannot be read as tensors by name.*download it again"),
        (saved([1, 2]), None, "holds a list, not a state dict"),
    ],
    ids=["missing", "another checksum", "damaged", "a list"],
)
def test_other_files_of_any_name_are_refused(folder, content, sha256, message) -> None:
    path = folder / "mine.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        read_state(path, sha256)
