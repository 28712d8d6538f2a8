"""Manifests, and the jobs that come of them."""

import json

import pytest

import sinct
from tests.support.batch_fake import jobs_of


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
    assert (first.settings.seconds, first.settings.steps) == (90, 4)
    assert first.settings.changes == {"discriminator_widths": [8, 8, 8, 8, 8]}
    assert (second.paintings, second.photos) == (("s3://museum/a.tif",), ("s3://museum/b.jpg",))
    assert (second.name, second.output) == ("a", "s3://museum/out/a.tif")


def test_row_may_limit_the_time_of_its_own_or_the_batchs_steps(folder, photo, tmp_path):
    manifest = tmp_path / "list.jsonl"
    row = {"painting": "paintings/monet.png", "photo": photo}
    rows = [row | {"time": 90}, row | {"time": 90, "steps": 7}, row | {"steps": 0}]
    manifest.write_text("\n".join(map(json.dumps, rows)) + "\n")
    found = [(job.settings.steps, job.settings.seconds) for job in jobs_of(manifest, tmp_path)]
    assert found == [(4, 90), (7, 90), (0, None)]


def test_row_may_keep_its_paintings_profile(folder, photo, tmp_path):
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"painting,photo,profile\na.png,{photo},keep\nb.png,{photo},\nc.png,{photo},p3\n")
    first, second, third = jobs_of(manifest, tmp_path)
    assert (first.settings.profile, second.settings.profile) == ("keep", "srgb")
    assert "line 4: `profile` must be 'srgb' or 'keep', got 'p3'" in third.fault


def test_row_may_say_what_stays_of_its_painting(folder, photo, tmp_path):
    manifest = tmp_path / "list.csv"
    rows = [
        f"a.png,{photo},0.5,texture; light,m.png",
        f"b.png,{photo},,,",
        f"c.png,{photo},2,,",
        f"d.png,{photo},,sky,",
    ]
    manifest.write_text("\n".join(["painting,photo,strength,keep,mask", *rows]) + "\n")
    first, second, third, fourth = jobs_of(manifest, tmp_path)
    assert (first.settings.strength, first.settings.keep) == (0.5, ("light", "texture"))
    assert first.masks == (str(tmp_path / "m.png"),)
    assert (second.settings.strength, second.settings.keep, second.masks) == (1, (), ())
    assert "line 4: strength must lie in [0, 1], got 2" in third.fault
    assert "line 5: `keep` takes colours, light, texture, not 'sky'" in fourth.fault


def test_row_in_json_may_keep_a_list_of_parts(folder, photo, tmp_path):
    manifest = tmp_path / "list.jsonl"
    manifest.write_text(json.dumps({"painting": "a.png", "photo": photo, "keep": ["light", "colours"]}))
    assert jobs_of(manifest, tmp_path)[0].settings.keep == ("colours", "light")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (",photo.png,,", "line 2, lacks a painting or a photo"),
        ("monet.png,photo.png,nonsense,", "line 2: steps must be a whole number, got 'nonsense'"),
        ("monet.png,photo.png,3 4,", "line 2: steps: '3 4' is not a value"),
        ("monet.png,photo.png,,7", "line 2: the column 'colour' is neither one of painting, "),
        ("monet.png,photo.png,-3,", "line 2: steps must be 0 or more"),
        ("monet.png,photo.png,[3],", "line 2: steps must be a whole number, got [3]"),
        ("monet.png,photo.png,true,", "line 2: steps must be a whole number, got True"),
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


def test_manifest_of_a_spreadsheet(tmp_path):
    manifest = tmp_path / "list.csv"
    manifest.write_text('Painting;PHOTO\r\n"a\u2028b.png";"c.png;d.png"\r\n', encoding="utf-8-sig")
    [job] = jobs_of(manifest, tmp_path)
    assert job.paintings == (str(tmp_path / "a\u2028b.png"),)
    assert job.photos == (str(tmp_path / "c.png"), str(tmp_path / "d.png"))


@pytest.mark.parametrize(
    "value", [[1], {"a": 1}, None, True, -1, 1e400, "x", "", ".", "/", "..", "a/..", "\ud800", [[]]]
)
@pytest.mark.parametrize(
    "column",
    [
        "painting", "photo", "output", "preset", "steps", "time", "seed", "bits", "profile", "strength", "keep", "mask",
        "crops",
    ],
)  # fmt: skip
def test_any_value_in_any_cell_is_a_job_or_its_fault(column, value, tmp_path):
    manifest = tmp_path / "list.jsonl"
    rows = [{"painting": "a.png", "photo": "b.png", column: value}, {"painting": "c.png", "photo": "b.png"}]
    manifest.write_text("\n".join(map(json.dumps, rows)))
    first, second = jobs_of(manifest, tmp_path)
    assert first.fault is None or first.fault.count("\n") == 0
    assert second.fault is None


def test_manifest_in_another_encoding_is_told(tmp_path):
    (tmp_path / "list.csv").write_bytes("painting,photo\nm\xfc.png,b.png\n".encode("latin-1"))
    with pytest.raises(sinct.InputError, match="not in UTF-8; save it as CSV in UTF-8"):
        jobs_of(tmp_path / "list.csv", tmp_path)


@pytest.mark.parametrize(
    ("column", "cell", "near"),
    [("strenght", "0.5", "strength"), ("nce_wieght", "2", "nce_weight"), ("preset", "standrd", "standard")],
)
def test_mistyped_column_or_preset_is_told_with_the_one_that_is_meant(column, cell, near, tmp_path):
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"painting,photo,{column}\na.png,photo.png,{cell}\n")
    (job,) = jobs_of(manifest, tmp_path)
    assert job.fault.endswith(f"; did you mean {near}?")
