"""The list of photographs that are learned from, and how they are read out of packages."""

import io
import shutil
import subprocess
import zipfile

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from assets.photographs import LONGEST, PHOTOGRAPHS, Photograph, collect, photograph_files, pictures_within
from benchmarks import van_gogh
from benchmarks.scenes import RECIPES
from sinct import InputError

FREE = {
    "public domain",
    "CC0-1.0",
    *(f"CC-BY-{version}" for version in ("2.0", "3.0", "4.0")),
    *(f"CC-BY-SA-{version}" for version in ("2.0", "3.0", "4.0")),
}


def listed(name, path, *, package="some-pictures", version="1.2", index=None):
    return Photograph(name, package, version, path, index, "somebody", "CC0-1.0", "a README")


def stored(form, colour="red", size=(40, 30), **options):
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, form, **options)
    return stream.getvalue()


def colour_of(path):
    with Image.open(path) as picture:
        return tuple(int(value) for value in np.asarray(picture).mean((0, 1)).round())


def make_wheel(folder, files):
    with zipfile.ZipFile(folder / "some_pictures-1.2-py3-none-any.whl", "w") as wheel:
        for path, data in files.items():
            wheel.writestr(path, data)
    return folder


# The list


def test_nothing_the_benchmarks_measure_on_is_learned_from():
    assert not {photograph.name for photograph in PHOTOGRAPHS} & RECIPES.keys()
    measured = van_gogh.pictures()
    learned = {(each.version, each.path, each.index) for each in PHOTOGRAPHS}
    assert not {(each.version, each.path, each.index) for each in measured} & learned
    # Another version of a package could hold the same picture at another place.
    paths = {each.path for each in measured}
    assert {each.version for each in PHOTOGRAPHS if each.path in paths} == {each.version for each in measured}


def test_all_licences_are_free():
    assert {photograph.licence for photograph in PHOTOGRAPHS} <= FREE


def test_the_list_is_complete_and_sorted():
    assert len(PHOTOGRAPHS) == len({each.name for each in PHOTOGRAPHS}) == 127
    assert all(
        each.package and each.version and each.path and each.author and each.stated for each in PHOTOGRAPHS
    )
    places = [(each.package, each.version, each.path, each.index or 0) for each in PHOTOGRAPHS]
    assert places == sorted(set(places))


# Packages


def test_pictures_are_read_out_of_a_wheel_in_every_format(tmp_path):
    blue = np.zeros((30, 40, 3), np.uint8) + np.array([0, 0, 255], np.uint8)
    files = {
        "a/one.png": stored("PNG", "red"),
        "a/two.jxl": imagecodecs.jpegxl_encode(blue, lossless=True),
        "a/three.webp": stored("WEBP", "lime", lossless=True),
    }
    wanted = [listed(path.split("/")[1].split(".")[0], path) for path in files]
    found = collect(make_wheel(tmp_path, files), tmp_path / "out", wanted)
    assert [path.name for path in found] == ["one.png", "two.png", "three.png"]
    assert [colour_of(path) for path in found] == [(255, 0, 0), (0, 0, 255), (0, 255, 0)]


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_pictures_are_read_out_of_a_debian_package(tmp_path):
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: some-pictures\nVersion: 1:2-3\nArchitecture: all\nMaintainer: me <me@example.org>\n"
        "Description: pictures\n"
    )
    (root / "usr").mkdir()
    (root / "usr" / "one.png").write_bytes(stored("PNG", "red"))
    for folder in (root, root / "DEBIAN"):
        folder.chmod(0o755)
    packages = tmp_path / "packages"
    packages.mkdir()
    made = packages / "some-pictures_1%3a2-3_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(root), str(made)], check=True, capture_output=True)
    [found] = collect(packages, tmp_path / "out", [listed("one", "usr/one.png", version="1:2-3")])
    assert colour_of(found) == (255, 0, 0)


def test_pictures_are_kept_upright_in_srgb_and_not_too_large(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6  # to be turned by 90 degrees
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = stored("JPEG", "gray", (2 * LONGEST, 80), exif=exif, icc_profile=profile)
    [found] = collect(
        make_wheel(tmp_path, {"wide.jpg": data}), tmp_path / "out", [listed("wide", "wide.jpg")]
    )
    with Image.open(found) as picture:
        assert (picture.size, picture.mode) == ((40, LONGEST), "RGB")
        assert "icc_profile" not in picture.info


def test_pictures_that_are_there_are_kept_and_need_no_package(tmp_path):
    stored_before = tmp_path / "one.png"
    stored_before.write_bytes(b"mine")
    assert collect(tmp_path / "none", tmp_path, [listed("one", "one.png")]) == [stored_before]
    assert stored_before.read_bytes() == b"mine"


def test_all_missing_packages_are_named_with_their_versions(tmp_path):
    versions = {f"{each.package} {each.version}" for each in PHOTOGRAPHS}
    with pytest.raises(InputError, match=r"lacks .*; put these packages there") as caught:
        collect(tmp_path, tmp_path / "photographs")
    assert all(version in str(caught.value) for version in versions)
    assert not (tmp_path / "photographs").exists()


def test_another_version_of_a_package_does_not_count(tmp_path):
    make_wheel(tmp_path, {"one.png": stored("PNG")})
    with pytest.raises(InputError, match="lacks some-pictures 9;"):
        collect(tmp_path, tmp_path / "out", [listed("one", "one.png", version="9")])


def test_a_package_without_the_picture_is_told(tmp_path):
    make_wheel(tmp_path, {"one.png": stored("PNG")})
    with pytest.raises(InputError, match=r"does not hold all pictures .*two\.png"):
        collect(tmp_path, tmp_path / "out", [listed("two", "two.png")])


def test_a_damaged_package_is_told(tmp_path):
    (tmp_path / "some_pictures-1.2-py3-none-any.whl").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be unpacked"):
        collect(tmp_path, tmp_path / "out", [listed("one", "one.png")])


def test_a_folder_of_photographs_needs_no_packages(tmp_path):
    for name in ("b.jpg", "a.png", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in photograph_files(tmp_path, tmp_path, tmp_path)] == ["a.png", "b.jpg"]


# Qt's resources


def resources(*pictures):
    """Bytes as Qt stores pictures, each after its length, between others."""
    parts = [len(picture).to_bytes(4, "big") + picture for picture in pictures]
    return b"qres" + b"RIFFxxxxWAVE".join(parts) + b"\xff\xd8\xffend"


def test_pictures_are_found_between_other_bytes_in_their_order():
    made = [stored("WEBP", "red"), stored("JPEG", "blue"), stored("WEBP", "lime")]
    assert list(pictures_within(resources(*made))) == made


def test_the_preview_within_a_jpeg_is_not_found():
    preview = stored("JPEG", "blue", (8, 8))
    comment = len(preview).to_bytes(4, "big") + preview
    whole = stored("JPEG", "red", comment=comment)
    assert comment in whole
    assert list(pictures_within(resources(whole))) == [whole]


def test_a_picture_in_resources_is_read_by_its_number(tmp_path):
    data = resources(stored("WEBP", "red"), stored("WEBP", "lime", lossless=True))
    make_wheel(tmp_path, {"all.rcc": data})
    [found] = collect(tmp_path, tmp_path / "out", [listed("second", "all.rcc", index=1)])
    assert colour_of(found) == (0, 255, 0)
