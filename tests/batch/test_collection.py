"""What a person gives as a collection: folders and patterns, and the jobs that come of them."""

from pathlib import Path

import pytest

import sinct
from sinct.batch.collection import find_paintings, read_collection
from sinct.batch.coordinator import run_batch
from sinct.batch.jobs import SERIES
from tests.support.batch_fake import SETTINGS, Fake, jobs_of


def test_every_picture_of_a_folder_and_below_is_a_job(folder, photo, tmp_path):
    jobs = jobs_of(folder, tmp_path, photo=[photo])
    assert [job.name for job in jobs] == ["monet", "früh/étretat 1"]
    assert jobs[1].paintings == (str(folder / "früh" / "étretat 1.JPG"),)
    assert jobs[1].photos == (photo,)
    assert jobs[1].output == str(tmp_path / "out" / "früh" / "étretat 1.png")
    assert not any(job.fault for job in jobs)


def test_pattern_finds_what_it_matches(folder, photo, tmp_path):
    assert [name for name, _ in find_paintings(str(folder / "**" / "*.JPG"))] == ["früh/étretat 1"]
    assert [job.name for job in jobs_of(folder / "m*.png", tmp_path, photo=[photo])] == ["monet"]


def test_photos_are_matched_by_name_and_a_missing_one_is_a_fault_of_its_job(folder, make_picture, tmp_path):
    (tmp_path / "photos").mkdir()
    make_picture("photos/MONET.jpg")
    first, second = jobs_of(folder, tmp_path, photos=str(tmp_path / "photos"))
    assert first.photos == (str(tmp_path / "photos" / "MONET.jpg"),)
    assert "has no photo named étretat 1; add it, or choose by looks with `match='palette'`" in second.fault


def test_photos_are_matched_by_palette(folder, make_picture, tmp_path):
    (tmp_path / "photos").mkdir()
    make_picture("photos/alike.png", 60, 45, seed=0)  # the same colours as the paintings
    make_picture("photos/other.png", 60, 45, seed=5)
    jobs = jobs_of(folder, tmp_path, photos=str(tmp_path / "photos"), match="palette")
    assert {Path(job.photos[0]).name for job in jobs} == {"alike.png"}
    assert (tmp_path / "cache.json").exists()


def test_shared_model_is_trained_on_all_and_applied_to_each(folder, photo, tmp_path):
    training, *pictures = jobs_of(folder, tmp_path, photo=[photo], shared_model=True)
    assert (training.name, training.kind, training.photos) == (SERIES, "series", (photo,))
    assert training.paintings == tuple(job.paintings[0] for job in pictures)
    assert {(job.kind, job.needs, job.photos) for job in pictures} == {("apply", SERIES, ())}


def test_remote_folder_is_listed(photo, tmp_path):
    import fsspec

    system = fsspec.filesystem("memory")
    system.pipe("/scans/a.tif", b"x")
    system.pipe("/scans/deep/b.png", b"x")
    system.pipe("/scans/readme.md", b"x")
    assert find_paintings("memory://scans") == [
        ("a", "memory://scans/a.tif"),
        ("deep/b", "memory://scans/deep/b.png"),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either `photo`"),
        ({"photo": ["a.png"], "photos": "b"}, "give either `photo`"),
        ({"photo": ["a.png"], "suffix": ".xyz"}, "unknown format"),
        ({"photos": "b", "match": "palette", "shared_model": True}, "on all photos together"),
    ],
)
def test_contradictions_are_refused(options, message, folder, tmp_path):
    with pytest.raises(sinct.ConfigError, match=message):
        jobs_of(folder, tmp_path, **options)


def test_nothing_to_do_is_told(tmp_path, photo, make_picture):
    with pytest.raises(sinct.InputError, match=r"cannot read .*nowhere"):
        jobs_of(tmp_path / "nowhere", tmp_path, photo=[photo])
    (tmp_path / "empty").mkdir()
    with pytest.raises(sinct.InputError, match="there are no pictures in"):
        jobs_of(tmp_path / "empty", tmp_path, photo=[photo])
    with pytest.raises(sinct.InputError, match="is one file"):
        jobs_of(make_picture("single.png"), tmp_path, photo=[photo])


def test_what_sinct_has_written_is_never_input(folder, photo, make_picture, tmp_path):
    for place in ("out", "out/deep", "monet.sinct", "other", "other/.sinct"):
        (folder / place).mkdir()
    for name in ("out/monet.png", "out/deep/b.png", "monet.sinct/preview.png", "other/monet.png"):
        make_picture(f"paintings/{name}")
    jobs = read_collection(
        str(folder), str(folder / "out"), SETTINGS, photo=[photo], cache=folder / "out" / ".sinct" / "matching.json"
    )  # fmt: skip
    assert [job.name for job in jobs] == ["monet", "früh/étretat 1"]
    assert [name for name, _ in find_paintings(str(folder / "*" / "*.png"))] == ["out/monet"]
    assert [name for name, _ in find_paintings(str(folder / "other"))] == ["monet"]  # asked for


def test_batch_into_its_own_folder_does_not_translate_its_results(folder, make_picture, photo):
    def jobs():
        return read_collection(
            str(folder), str(folder), SETTINGS, photo=[photo], suffix=".tif",
            cache=folder / ".sinct" / "matching.json",
        )  # fmt: skip

    first = jobs()
    run_batch(first, folder, Fake())
    assert (folder / "monet.tif").exists()
    assert jobs() == first


def test_remote_outputs_are_never_input(photo):
    import fsspec

    fsspec.filesystem("memory").pipe(
        {"/shop/a.tif": b"x", "/shop/out/a.png": b"x", "/shop/a.sinct/b.png": b"x"}
    )
    assert find_paintings("memory://shop", {"memory://shop/out"}) == [("a", "memory://shop/a.tif")]


def test_files_of_other_kinds_are_named_when_they_are_skipped(folder, photo, tmp_path):
    for name in ("a.xcf", "b.svg", "c.kra", "d.mov", "notes.txt", "e.xmp", ".hidden.xcf"):
        (folder / name).write_bytes(b"x")
    skipped = r"^4 files in .* skipped, of kinds that are not read: a\.xcf, b\.svg, c\.kra and 1 more$"
    with pytest.warns(UserWarning, match=skipped):
        jobs = jobs_of(folder, tmp_path, photo=[photo])
    assert [job.name for job in jobs] == ["monet", "früh/étretat 1"]


def test_files_beside_pictures_are_skipped_without_a_word(folder):
    for name in ("monet.xmp", "notes.txt", "about.json", "list.csv"):
        (folder / name).write_bytes(b"x")
    remarks: list[str] = []
    find_paintings(str(folder), remarks=remarks)
    assert remarks == []


def test_folder_of_other_kinds_alone_says_which(tmp_path):
    (tmp_path / "a.xcf").write_bytes(b"x")
    with pytest.raises(sinct.InputError, match=r"no pictures in .*, only a\.xcf, which is not read; give"):
        find_paintings(str(tmp_path))
