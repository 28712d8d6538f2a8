"""What a person gives as a collection: folders, patterns, manifests, and the jobs that come of them."""

import json
from pathlib import Path

import pytest

import sinct
from sinct.batch.collection import find_paintings, read_collection
from sinct.batch.jobs import SERIES
from sinct.batch.settings import Settings


@pytest.fixture
def folder(make_picture, tmp_path):
    """Two paintings, one in a sub-folder and with an umlaut, a hidden one, and something else."""
    place = tmp_path / "paintings"
    (place / "früh").mkdir(parents=True)
    make_picture("paintings/monet.png")
    make_picture("paintings/früh/étretat 1.JPG")
    make_picture("paintings/.hidden.png")
    (place / "notes.txt").write_text("no picture")
    return place


@pytest.fixture
def photo(make_picture):
    return str(make_picture("photo.png"))


def jobs_of(collection, tmp_path, settings=None, **options):
    return read_collection(
        str(collection), str(tmp_path / "out"), settings or Settings("draft", steps=4), cache=tmp_path / "cache.json",
        **options,
    )  # fmt: skip


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


def test_two_jobs_never_write_the_same_file(make_picture, photo, tmp_path):
    (tmp_path / "paintings").mkdir()
    make_picture("paintings/a.png")
    make_picture("paintings/a.jpg")
    first, second = jobs_of(tmp_path / "paintings", tmp_path, photo=[photo])
    assert first.fault is None
    assert second.name != first.name
    assert "is also that of" in second.fault
    assert "rename one" in second.fault


def test_csv_manifest_sets_what_each_row_says(folder, photo, make_picture, tmp_path):
    other = make_picture("other.png")
    manifest = tmp_path / "list.csv"
    manifest.write_text(
        "painting,photo,output,steps,seed,nce_weight,preset\n"
        f"paintings/monet.png,{photo},first/one.tif,7,3,2,\n"
        f"paintings/früh/étretat 1.JPG,photo.png;{other},,,,,standard\n",
        encoding="utf-8-sig",
    )
    first, second = jobs_of(manifest, tmp_path)
    assert first.output == str(tmp_path / "out" / "first" / "one.tif")
    assert (first.name, first.settings.steps, first.settings.seed) == ("first/one", 7, 3)
    assert first.settings.changes == {"nce_weight": 2}
    assert second.photos == (str(tmp_path / "photo.png"), str(other))
    assert second.output == str(tmp_path / "out" / "étretat 1.png")
    assert (second.settings.preset, second.settings.steps) == ("standard", 4)


def test_manifest_of_json_lines(folder, photo, tmp_path):
    manifest = tmp_path / "list.jsonl"
    rows = [
        {
            "painting": "paintings/monet.png",
            "photo": [photo],
            "time": 90,
            "discriminator_widths": [8, 8, 8, 8, 8],
        },
        {"painting": "s3://museum/a.tif", "photo": "s3://museum/b.jpg", "output": "s3://museum/out/a.tif"},
    ]
    manifest.write_text("\n".join(map(json.dumps, rows)) + "\n")
    first, second = jobs_of(manifest, tmp_path)
    assert (first.settings.seconds, first.settings.steps) == (90, None)
    assert first.settings.changes == {"discriminator_widths": [8, 8, 8, 8, 8]}
    assert (second.paintings, second.photos) == (("s3://museum/a.tif",), ("s3://museum/b.jpg",))
    assert (second.name, second.output) == ("a", "s3://museum/out/a.tif")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (",photo.png,,", "line 2, lacks a painting or a photo"),
        ("monet.png,photo.png,nonsense,", "line 2: steps: 'nonsense' is no value"),
        ("monet.png,photo.png,,7", "line 2: unknown setting 'colour'"),
        ("monet.png,photo.png,-3,", "line 2: steps must be 1 or more"),
        ("monet.png,photo.png,3,,,8", "line 2: it has more cells than the first line has names"),
    ],
)
def test_fault_of_a_row_is_that_jobs_alone(row, fault, tmp_path):
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"painting,photo,steps,colour\n{row}\nb.png,photo.png,,\n")
    first, second = jobs_of(manifest, tmp_path)
    assert fault in first.fault
    assert second.fault is None


def test_output_outside_the_folder_is_refused(tmp_path):
    manifest = tmp_path / "list.csv"
    manifest.write_text("painting,photo,output\na.png,b.png,../../etc/passwd.png\n")
    assert "lies outside the batch's folder" in jobs_of(manifest, tmp_path)[0].fault


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "painting\na.png\n"])
def test_manifest_without_its_columns_says_what_it_needs(text, tmp_path):
    manifest = tmp_path / "list.csv"
    manifest.write_text(text)
    with pytest.raises(sinct.InputError, match="needs the columns painting and photo"):
        jobs_of(manifest, tmp_path)


def test_broken_json_is_told(tmp_path):
    manifest = tmp_path / "list.jsonl"
    manifest.write_text("{")
    with pytest.raises(sinct.InputError, match="cannot read the manifest"):
        jobs_of(manifest, tmp_path)


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
        ({"photos": "b", "match": "palette", "shared_model": True}, "toward all photos together"),
    ],
)
def test_contradictions_are_refused(options, message, folder, tmp_path):
    with pytest.raises(sinct.ConfigError, match=message):
        jobs_of(folder, tmp_path, **options)


def test_nothing_to_do_is_told(tmp_path, photo, make_picture):
    with pytest.raises(sinct.InputError, match=r"cannot read .*nowhere"):
        jobs_of(tmp_path / "nowhere", tmp_path, photo=[photo])
    (tmp_path / "empty").mkdir()
    with pytest.raises(sinct.InputError, match="there is no picture in"):
        jobs_of(tmp_path / "empty", tmp_path, photo=[photo])
    with pytest.raises(sinct.InputError, match="is one file"):
        jobs_of(make_picture("single.png"), tmp_path, photo=[photo])
