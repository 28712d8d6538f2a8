"""Pictures of two folders, or of lists."""

import json

import pytest

from sinct import InputError
from sinct.data.folders import find_domains, find_images


@pytest.fixture
def pictures(tmp_path):
    for name in ("b.png", "a.JPG", "sub/c.webp", ".hidden.png", ".hid/d.png", "notes.md"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    return tmp_path / "in"


def test_pictures_of_a_folder_are_found_in_order_without_hidden_ones(pictures):
    assert [str(path.relative_to(pictures)) for path in find_images(pictures)] == [
        "a.JPG",
        "b.png",
        "sub/c.webp",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "b.png\n\n a.JPG \n"),
        ("list.csv", "path\nb.png\na.JPG\n"),
        ("list.CSV", "Image;author\nb.png;x\na.JPG;y\n"),
        ("list.json", json.dumps(["b.png", {"path": "a.JPG"}])),
        ("list.jsonl", '"b.png"\n{"file": "a.JPG"}\n'),
    ],
)
def test_list_keeps_its_order_and_paths_are_relative_to_it(pictures, name, text):
    (pictures / name).write_text(text, encoding="utf-8-sig")
    assert find_images(pictures / name) == (pictures / "b.png", pictures / "a.JPG")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("list.txt", b"\n", "there are no pictures in .*list.txt"),
        ("list.csv", b"b.png\na.png\n", "needs a column named path"),
        ("list.csv", b"path,x\n,1\n", "line 2 has no path"),
        ("list.json", b"{}", "must hold an array of paths"),
        ("list.json", b"[3]", "entry 1 has no path"),
        ("list.json", b"[", "cannot read the list"),
        ("list.txt", b"\xff", "not in UTF-8"),
        ("list.txt", b"a\0b", "null character"),
        ("b.png", b"", "is one file; give a folder"),
    ],
)
def test_list_that_cannot_be_used_is_refused_in_one_line(pictures, name, text, message):
    (pictures / name).write_bytes(text)
    with pytest.raises(InputError, match=message) as caught:
        find_images(pictures / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing", "missing.csv"])
def test_missing_place_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"cannot read the .*missing.*No such file"):
        find_images(tmp_path / name)


def test_folder_with_the_fields_layout_has_both_domains_and_tests(tmp_path):
    for name in ("trainA", "trainB", "testA"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    found = find_domains(tmp_path)
    assert (found.source, found.target) == ((tmp_path / "trainA/1.jpg",), (tmp_path / "trainB/1.jpg",))
    assert (found.test_source, found.test_target) == ((tmp_path / "testA/1.jpg",), ())


def test_two_folders_are_two_domains(pictures):
    found = find_domains(pictures, pictures / "sub")
    assert (len(found.source), len(found.target)) == (3, 1)


def test_folder_without_the_fields_layout_is_refused(pictures):
    with pytest.raises(InputError, match="lacks the folder trainA and trainB"):
        find_domains(pictures)


def test_validation_pictures_serve_as_tests(tmp_path) -> None:
    for name in ("trainA", "trainB", "valA"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    found = find_domains(tmp_path)
    assert found.test_source == (tmp_path / "valA" / "1.png",)
    assert found.test_target == ()
