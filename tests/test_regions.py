"""Region maps from files, through training, to a picture."""

import numpy as np
import pytest
from PIL import Image
from sinct_cli.main import app
from typer.testing import CliRunner

import sinct
from sinct.data import regions as data_regions
from sinct.inference import streamed
from sinct.pictures import regions as map_files
from sinct.pictures.windows import Sides

SKY, SEA, GRASS = (135, 206, 235), (0, 0, 160), (0, 130, 0)


@pytest.fixture
def pair(make_picture):
    return make_picture("painting.png", seed=0), make_picture("photo.png", 64, 50, seed=1)


@pytest.fixture
def make_map(tmp_path):
    def make(name, width, height, above, below):
        rows = np.empty((height, width, 3), np.uint8)
        rows[: height // 2], rows[height // 2 :] = above, below
        Image.fromarray(rows).save(tmp_path / name)
        return tmp_path / name

    return make


@pytest.fixture
def maps(make_map):
    """Of the painting, and of the photo, whose sky is below."""
    return [make_map("painting-map.png", 60, 45, SKY, SEA), make_map("photo-map.png", 64, 50, SEA, SKY)]


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_regions_change_the_picture(pair, maps, tiny, tmp_path):
    config = tiny.replace(recolour=True, repaint=True, smoothing=0.1)
    sinct.translate(*pair, tmp_path / "plain.png", config=config)
    sinct.translate(*pair, tmp_path / "out.png", config=config, regions=maps)
    assert not np.array_equal(pixels_of(tmp_path / "out.png"), pixels_of(tmp_path / "plain.png"))


def test_the_trained_model_knows_the_paintings_regions(pair, maps, tiny, tmp_path):
    config = tiny.replace(recolour=True, repaint=True, texture=True, smoothing=0.1)
    done = sinct.translate(*pair, tmp_path / "out.png", config=config, regions=maps)
    sinct.apply(done.training.run_dir, pair[0], tmp_path / "again.png")
    assert np.array_equal(pixels_of(tmp_path / "again.png"), pixels_of(tmp_path / "out.png"))


def test_another_picture_gets_the_look_of_all_photos_and_that_is_said(
    pair, maps, tiny, make_picture, tmp_path
):
    config = tiny.replace(recolour=True, repaint=True, smoothing=0.1)
    training = sinct.train(*pair, tmp_path / "run", config=config, regions=maps)
    done = sinct.apply(training.model, make_picture("other.png", seed=7), tmp_path / "out.png")
    assert any("region maps are of another picture" in text for text in done.warnings)


def test_regions_guide_crops_where_colours_are_left_alone(pair, maps, tiny, tmp_path):
    training = sinct.train(*pair, tmp_path / "run", config=tiny, regions=maps)
    plain = sinct.train(*pair, tmp_path / "plain", config=tiny)
    both = [each.model.generator.state_dict() for each in (training, plain)]
    assert any(not np.array_equal(both[0][name], both[1][name]) for name in both[0])


def test_a_run_with_maps_is_resumed_only_with_the_same(pair, maps, tiny, make_map, tmp_path):
    stop = iter([False, False, True]).__next__
    sinct.train(*pair, tmp_path / "run", config=tiny, regions=maps, should_stop=stop)
    others = [maps[0], make_map("other-map.png", 64, 50, SKY, SEA)]
    for regions in ((), others):
        with pytest.raises(sinct.CheckpointError, match="is a run on other pictures or region maps"):
            sinct.train(*pair, tmp_path / "run", resume=True, regions=regions)
    assert sinct.train(*pair, tmp_path / "run", resume=True, regions=maps).finished


@pytest.mark.parametrize("missing", [0, 1])
def test_each_picture_needs_a_map(missing, pair, maps, tiny, tmp_path):
    with pytest.raises(sinct.ConfigError, match="one of each photo, 2 in all, got 1"):
        sinct.train(*pair, tmp_path / "run", config=tiny, regions=[maps[missing]])


def test_a_series_has_no_maps(pair, maps, tiny, tmp_path):
    with pytest.raises(sinct.ConfigError, match="`regions` go with one painting, not with 2"):
        sinct.train([pair[0], pair[1]], pair[1], tmp_path / "run", config=tiny, regions=maps)


def test_a_photo_without_the_paintings_colours_is_named_in_a_warning(pair, maps, make_map, tiny, tmp_path):
    other = make_map("other-map.png", 64, 50, SKY, GRASS)
    training = sinct.train(*pair, tmp_path / "run", config=tiny, regions=[maps[0], other])
    assert any("#0000a0 covers" in text for text in training.warnings)


def test_the_output_may_not_be_a_map(pair, maps, tiny):
    with pytest.raises(sinct.OutputError, match="is one of the inputs"):
        sinct.translate(*pair, maps[0], config=tiny, regions=maps, overwrite=True)


def test_a_map_that_is_not_there_is_named(pair, maps, tiny, make_picture, tmp_path):
    output = make_picture("out.png")
    with pytest.raises(sinct.InputError, match=r"^the region map .*gone\.png does not exist"):
        sinct.translate(*pair, output, config=tiny, regions=[tmp_path / "gone.png", maps[1]], overwrite=True)


def test_command_line_takes_maps_of_further_photos(pair, maps, tmp_path):
    sky = tmp_path / "sky-map.png"
    Image.new("RGB", (64, 50), SKY).save(sky)
    second = tmp_path / "second.png"
    Image.open(pair[1]).save(second)
    # fmt: off
    arguments = [
        "translate", str(pair[0]), str(pair[1]), str(second), "-o", str(tmp_path / "out.png"), "--steps", "0",
        "--preset", "instant", "--regions", *map(str, maps), "--photo-regions", str(sky),
    ]
    # fmt: on
    result = CliRunner().invoke(app, [*arguments[:-2]])
    assert result.exit_code != 0
    assert "3 in all, got 2" in result.output


def test_maps_of_further_photos_alone_are_refused(pair, maps, tmp_path):
    arguments = [
        "translate",
        *map(str, pair),
        "-o",
        str(tmp_path / "out.png"),
        "--photo-regions",
        str(maps[1]),
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code != 0
    assert "goes with --regions" in result.output


def test_candidates_learn_with_maps_and_are_continued_with_the_same(pair, maps, tiny, tmp_path):
    config = tiny.replace(recolour=True, repaint=True, smoothing=0.1, steps=64)
    found = sinct.vary(*pair, tmp_path / "out.png", config=config, seeds=2, regions=maps)
    assert found.finished
    with pytest.raises(sinct.CheckpointError, match="variations on other pictures or region maps"):
        sinct.continue_variation(*pair, tmp_path / "out.png", 2, device="cpu")
    done = sinct.continue_variation(*pair, tmp_path / "out.png", 2, regions=maps)
    assert done.training.model.content.regions is not None


@pytest.fixture
def model(pair, maps, tiny, tmp_path):
    config = tiny.replace(recolour=True, repaint=True, texture=True, smoothing=0.1, steps=1)
    return sinct.train(*pair, tmp_path / "run", config=config, regions=maps).model


@pytest.fixture
def other(make_picture):
    return make_picture("other.png", 210, 190, seed=7)


def test_a_map_of_another_picture_chooses_from_the_models_regions(model, other, make_map, tmp_path):
    looks = {}
    for name, above, below in (("both", SKY, SEA), ("sky", SKY, SKY), ("sea", SEA, SEA)):
        chosen = make_map(f"{name}-map.png", 210, 190, above, below)
        done = sinct.apply(model, other, tmp_path / f"{name}.png", regions=chosen)
        assert not any("region" in text for text in done.warnings)
        looks[name] = pixels_of(tmp_path / f"{name}.png").astype(int)
    assert np.abs(looks["sky"] - looks["sea"]).mean() > 5
    # Rounding, and the generator's surroundings, end well within 80 px.
    assert np.abs(looks["both"] - looks["sky"])[:15].max() <= 1
    assert np.abs(looks["both"] - looks["sea"])[-15:].max() <= 1


def test_the_paintings_own_map_gives_what_the_training_gave(model, pair, maps, tmp_path):
    sinct.apply(model, pair[0], tmp_path / "kept.png")
    sinct.apply(model, pair[0], tmp_path / "given.png", regions=maps[0])
    assert np.array_equal(pixels_of(tmp_path / "given.png"), pixels_of(tmp_path / "kept.png"))


def test_a_map_serves_in_rows_as_in_memory(model, other, make_map, tmp_path, monkeypatch):
    pytest.importorskip("pyvips")
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(172, 188))
    monkeypatch.setattr(data_regions, "STORED_SIDE", 64)  # so that the picture is larger than its map
    chosen = make_map("other-map.png", 210, 190, SKY, SEA)
    sinct.apply(model, other, tmp_path / "whole.png", regions=chosen)
    sinct.apply(model, other, tmp_path / "rows.png", regions=chosen, max_memory=700_000_001)
    whole, rows = (pixels_of(tmp_path / f"{name}.png").astype(int) for name in ("whole", "rows"))
    assert np.abs(whole - rows).max() <= 1


def test_colours_that_the_model_does_not_know_are_refused_with_those_it_knows(
    model, other, make_map, tmp_path
):
    strange = make_map("other-map.png", 210, 190, SKY, GRASS)
    with pytest.raises(
        sinct.InputError,
        match=r"has #008200, but the model knows #0000a0, #87ceeb; paint it in these colours",
    ):
        sinct.apply(model, other, tmp_path / "out.png", regions=strange)


def test_a_map_of_another_shape_is_refused(model, other, make_map, tmp_path):
    with pytest.raises(sinct.InputError, match=r"has 60x45 px and its picture 210x190 px"):
        sinct.apply(model, other, tmp_path / "out.png", regions=make_map("other-map.png", 60, 45, SKY, SEA))


def test_a_map_needs_a_model_with_regions(pair, other, maps, tiny, make_map, tmp_path):
    plain = sinct.train(*pair, tmp_path / "run", config=tiny).model
    with pytest.raises(
        sinct.ConfigError, match="no regions that a map could choose from; leave `regions` out"
    ):
        sinct.apply(plain, other, tmp_path / "out.png", regions=maps[0])


def test_the_output_may_not_be_the_map_of_another_picture(model, other, make_map):
    chosen = make_map("other-map.png", 210, 190, SKY, SEA)
    with pytest.raises(sinct.OutputError, match="is one of the inputs"):
        sinct.apply(model, other, chosen, regions=chosen, overwrite=True)


def test_the_command_line_applies_with_a_map(model, other, make_map, tmp_path):
    chosen = make_map("other-map.png", 210, 190, SKY, SEA)
    sinct.apply(model, other, tmp_path / "library.png", regions=chosen)
    # fmt: off
    arguments = [
        "apply", str(tmp_path / "run"), str(other), "-o", str(tmp_path / "out.png"), "--regions", str(chosen),
        "--device", "cpu",
    ]
    # fmt: on
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert np.array_equal(pixels_of(tmp_path / "out.png"), pixels_of(tmp_path / "library.png"))


def test_maps_are_decoded_once_for_all_candidates(pair, maps, tiny, tmp_path, monkeypatch):
    read = []
    decode = map_files.read_picture
    monkeypatch.setattr(map_files, "read_picture", lambda path: read.append(path) or decode(path))
    sinct.vary(*pair, tmp_path / "out.png", config=tiny.replace(steps=64), seeds=2, regions=maps)
    assert read == maps
