import itertools
import json

import numpy as np
import pytest
import torch
from PIL import Image
from sinct_cli.main import app
from typer.testing import CliRunner

import sinct
from sinct.data import series
from sinct.data.crops import excerpt
from sinct.data.series import choose, read_series, spread
from sinct.inference import checkpoint
from sinct.objectives.cut import Trainer
from sinct.pictures.picture import read_picture, read_provenance
from sinct.training import best

CPU = torch.device("cpu")


@pytest.fixture
def photo(make_picture):
    return make_picture("photo.png", 64, 50, seed=9)


@pytest.fixture
def paintings(make_picture):
    sizes = [(60, 45), (48, 64), (90, 50)]
    return [make_picture(f"{n}.png", *size, seed=n) for n, size in enumerate(sizes)]


def flat(value: float, height: int = 45, width: int = 60) -> torch.Tensor:
    return torch.full((3, height, width), float(value))


def weights(model: sinct.Model) -> torch.Tensor:
    return torch.cat([parameter.flatten() for parameter in model.generator.parameters()])


def facts_of(run):
    return json.loads((run / "config.json").read_text())


# Reading ------------------------------------------------------------------------------------------------


def test_readable_series_is_read_once(paintings, monkeypatch):
    read = []
    monkeypatch.setattr(series, "read_picture", lambda path: read.append(path) or read_picture(path))
    left_out = {}
    assert len(read_series(paintings, left_out)) == 3
    assert (read, left_out) == (paintings, {})


def test_unreadable_painting_leaves_the_series_of_the_others(paintings, monkeypatch):
    monkeypatch.setattr(series, "PIXELS", 2000)
    expected = read_series(paintings[1:])
    paintings[0].write_bytes(b"no picture")
    left_out = {}
    found = read_series(paintings, left_out)
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(found, expected, strict=True))
    assert list(left_out) == paintings[:1]
    assert "0.png is not a picture" in left_out[paintings[0]]


def test_series_of_which_nothing_can_be_read_is_an_error(paintings):
    for painting in paintings:
        painting.write_bytes(b"no picture")
    with pytest.raises(sinct.InputError, match=r"0\.png is not a picture"):
        read_series(paintings, {})


# One generator for several paintings -----------------------------------------------------------------


def test_crops_come_from_every_painting(tiny):
    made = Trainer([flat(-1), flat(0), flat(1)], [flat(0.5)], tiny, CPU)
    means = {round(float(made.sample()[0].mean())) for _ in range(30)}
    assert means == {-1, 0, 1}


def test_crops_of_one_step_are_of_one_painting_and_its_content(tiny):
    made = Trainer([flat(-1), flat(1)], [flat(0.5)], tiny.replace(smoothing=0.01), CPU)
    for _ in range(10):
        painting, content, _, _ = made.sample()[:4]
        torch.testing.assert_close(content, painting, rtol=0, atol=0.05)
        assert float(painting.std()) < 0.01


def test_one_painting_takes_no_draw(tiny):
    made = Trainer([flat(0)], [flat(0)], tiny, CPU)
    several = Trainer([flat(0), flat(0)], [flat(0)], tiny, CPU)
    torch.randint(2, (), generator=made.random)  # what the choice of a painting costs
    for ours, theirs in zip(made.sample()[:4], several.sample()[:4], strict=True):
        assert ours.equal(theirs)
    assert made.random.get_state().equal(several.random.get_state())


def test_widths_are_those_of_all_paintings(tiny):
    made = Trainer([flat(0, 45, 60), flat(0, 40, 200)], [flat(0)], tiny, CPU)
    assert made.sampler.widths == (43, 200)  # 32 px of height are 43 px of the first's width


def test_photos_are_painted_in_the_palette_of_the_whole_series(tiny):
    made = Trainer([flat(-1), flat(0.5)], [flat(0.9)], tiny.replace(repaint=True), CPU)
    torch.testing.assert_close(made.sampler.photos[0][3:].mean(), torch.tensor(-0.25), rtol=0, atol=0.01)


def test_list_of_one_painting_is_that_painting(paintings, photo, tiny, tmp_path):
    single = sinct.train(paintings[0], photo, tmp_path / "single", config=tiny)
    listed = sinct.train(paintings[:1], photo, tmp_path / "listed", config=tiny)
    assert weights(single.model).equal(weights(listed.model))
    assert facts_of(tmp_path / "single") == facts_of(tmp_path / "listed")
    previews = [np.asarray(Image.open(tmp_path / name / "preview.png")) for name in ("single", "listed")]
    assert np.array_equal(*previews)


def test_stopped_and_resumed_series_is_bit_for_bit_an_undisturbed_one(paintings, photo, tiny, tmp_path):
    config = tiny.replace(steps=20, repaint=True, grain=0.1, patience=1.0)
    sinct.train(paintings, photo, tmp_path / "a", config=config)
    asked = itertools.count()
    first = sinct.train(
        paintings, photo, tmp_path / "b", config=config, should_stop=lambda: next(asked) >= 11
    )
    assert (first.steps, first.finished) == (11, False)
    assert sinct.train(paintings, photo, tmp_path / "b", resume=True).finished
    straight, resumed = (checkpoint.load(tmp_path / name / "checkpoint.safetensors").tensors for name in "ab")
    assert straight.keys() == resumed.keys()
    for name, tensor in straight.items():
        assert tensor.equal(resumed[name]), name


@pytest.mark.parametrize("change", ["fewer", "other order", "one alone"])
def test_resuming_on_another_series_is_refused(change, paintings, photo, tiny, tmp_path):
    sinct.train(paintings, photo, tmp_path / "run", config=tiny)
    others = {"fewer": paintings[:2], "other order": paintings[::-1], "one alone": paintings[0]}[change]
    with pytest.raises(sinct.CheckpointError, match=r"is a run on other pictures \(\['0.png', '1.png'"):
        sinct.train(others, photo, tmp_path / "run", resume=True)


def test_facts_and_provenance_list_all_paintings(paintings, photo, tiny, tmp_path):
    training = sinct.train(paintings, photo, tmp_path / "run", config=tiny)
    hashes = [read_picture(path).sha256 for path in paintings]
    facts = facts_of(tmp_path / "run")
    assert facts["painting"] == ["0.png", "1.png", "2.png"]
    assert facts["painting_sha256"] == training.model.facts["painting_sha256"] == hashes
    sinct.apply(tmp_path / "run", paintings[1], tmp_path / "out.png")
    stored = read_provenance(tmp_path / "out.png")
    assert stored["painting_sha256"] == ", ".join(hashes)
    assert stored["source_sha256"] == hashes[1]


def test_facts_of_one_painting_are_no_lists(paintings, photo, tiny, tmp_path):
    sinct.train(paintings[0], photo, tmp_path / "run", config=tiny)
    facts = facts_of(tmp_path / "run")
    assert facts["painting"] == "0.png"
    assert facts["painting_sha256"] == read_picture(paintings[0]).sha256


def test_painting_too_narrow_for_a_crop_is_named(paintings, photo, make_picture, tiny, tmp_path):
    narrow = make_picture("narrow.png", 40, 1)
    with pytest.raises(
        sinct.ConfigError, match=r"^narrow\.png: crop size 32 px does not fit a picture of 40x1"
    ):
        sinct.train([*paintings, narrow], photo, tmp_path / "run", config=tiny)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("empty", [0, 1])
def test_empty_lists_are_refused(empty, paintings, photo, tiny, tmp_path):
    given = [paintings, [photo]]
    given[empty] = []
    with pytest.raises(sinct.InputError, match="at least one painting and one photo"):
        sinct.train(*given, tmp_path / "run", config=tiny)


# What is seen of it ------------------------------------------------------------------------------------


LABEL = 21
"""Pixels above pictures this small, for what they are."""


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (2, 2), (3, 3), (5, 3)])
def test_preview_has_a_row_for_each_of_up_to_three_paintings(
    count, rows, make_picture, photo, tiny, tmp_path
):
    paintings = [make_picture(f"{n}.png", 60, 45, seed=n) for n in range(count)]
    sinct.train(paintings, photo, tmp_path / "run", config=tiny)
    with Image.open(tmp_path / "run" / "preview.png") as preview:
        assert preview.height == (LABEL + 45) * rows


def test_rows_of_the_preview_may_have_other_sizes(paintings, photo, tiny, tmp_path):
    sinct.train(paintings, photo, tmp_path / "run", config=tiny)
    with Image.open(tmp_path / "run" / "preview.png") as preview:
        assert preview.height == 3 * LABEL + 45 + 64 + 50


def test_best_state_is_chosen_by_the_mean_of_up_to_four_paintings(
    make_picture, photo, tiny, tmp_path, monkeypatch
):
    made = []

    def make_score(windows, photos, *, share):
        made.extend(window.shape for window in windows)
        values = iter([2.0, 1.0 + len(made)] + [9.0] * 9)  # means of 2.0 and of 3.5 at the first looks
        return lambda translations: next(values)

    monkeypatch.setattr(best, "make_score", make_score)
    paintings = [make_picture(f"{n}.png", 60 + n, 45, seed=n) for n in range(8)]
    done = sinct.train(paintings, photo, tmp_path / "run", config=tiny.replace(steps=20, patience=1.0))
    assert made == [(3, 45, width) for width in (61, 63, 65, 67)]
    assert done.kept == 15
    stored = checkpoint.load(tmp_path / "run" / "checkpoint.safetensors").description
    assert stored["best"][0] == 2.0


# Bounds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "of", "chosen"),
    [(3, 3, [0, 1, 2]), (5, 3, [0, 1, 2]), (1, 5, [2]), (3, 9, [1, 4, 7]), (2, 5, [1, 3])],
)
def test_spread_is_even(count, of, chosen):
    assert spread(range(of), count) == chosen


def test_spread_repeats_nothing():
    for of, count in itertools.product(range(1, 40), repeat=2):
        chosen = spread(range(of), count)
        assert chosen == sorted(set(chosen))
        assert len(chosen) == min(of, count)


def test_long_series_is_thinned_and_says_so(make_picture, photo, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(series, "PAINTINGS", 3)
    paintings = [make_picture(f"{n}.png", seed=n) for n in range(9)]
    events = []
    done = sinct.train(paintings, photo, tmp_path / "run", config=tiny, on_progress=events.append)
    assert facts_of(tmp_path / "run")["painting"] == ["1.png", "4.png", "7.png"]
    assert "the series has 9 paintings; training uses 3 of them" in done.warnings[0]
    assert events[0].warnings[0] == done.warnings[0]


def test_nothing_is_said_where_all_paintings_are_seen():
    names = [f"{number}.png" for number in range(series.PAINTINGS)]
    assert choose(names) == (names, [])


def test_large_paintings_of_a_series_are_seen_in_part_at_their_own_resolution(make_picture, monkeypatch):
    monkeypatch.setattr(series, "PIXELS", 3 * 1200)
    paths = [make_picture(f"{n}.png", 120, 90, seed=n) for n in range(2)]
    paths.append(make_picture("small.png", 40, 30))
    *parts, small = read_series(paths)
    assert small.pixels.equal(read_picture(paths[2]).pixels)
    assert small.share == 1
    for part, path in zip(parts, paths, strict=False):
        assert part.pixels.shape == (3, 30, 40)
        assert part.share == pytest.approx(1 / 3)
        whole = read_picture(path)
        assert part.sha256 == whole.sha256
        places = whole.pixels.unfold(1, 30, 1).unfold(2, 40, 1).permute(1, 2, 0, 3, 4)
        assert (places == part.pixels).flatten(2).all(dim=2).any()
        assert part.pixels.untyped_storage().nbytes() < whole.pixels.untyped_storage().nbytes()


def test_single_painting_is_read_whole(make_picture, monkeypatch):
    monkeypatch.setattr(series, "PIXELS", 100)
    (picture,) = read_series([make_picture("painting.png", 120, 90)])
    assert picture.pixels.shape == (3, 90, 120)


def test_widths_of_a_model_are_those_of_whole_paintings(make_picture, photo, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(series, "PIXELS", 2 * 80 * 60)
    paintings = [make_picture(f"{n}.png", 320, 240, seed=n) for n in range(2)]
    training = sinct.train(paintings, photo, tmp_path / "run", config=tiny)
    assert training.model.widths == (43 * 4, 80 * 4)  # their parts, 80x60 px, are seen 43 ... 80 px wide
    warnings = sinct.apply(training.model, paintings[0], tmp_path / "out.png").warnings
    assert "scale" not in [warning.code for warning in warnings]


@pytest.mark.parametrize(("place", "first"), [((0, 0), 0), ((0, 1), 6), ((1, 0), 60), ((1, 1), 66)])
def test_excerpt_reaches_every_corner(place, first):
    picture = torch.arange(100.0).view(1, 10, 10)
    part = excerpt(picture, 16, *place)
    assert part.shape == (1, 4, 4)
    assert part[0, 0, 0] == first


# On the command line ------------------------------------------------------------------------------------


def test_command_takes_more_paintings(paintings, photo, tiny, tmp_path):
    names = (
        "generator warm_start width discriminator_widths projection_dimensions crops identity_crops crop_size "
        "tile_size"
    )
    settings = [f"--set={name}={json.dumps(getattr(tiny, name))}" for name in names.split()]
    more = [word for path in paintings[1:] for word in ("--painting", str(path))]
    arguments = [
        "train",
        str(paintings[0]),
        str(photo),
        *more,
        "--run-dir",
        str(tmp_path / "run"),
        "--steps=2",
    ]
    result = CliRunner().invoke(app, [*arguments, "--device=cpu", *settings])
    assert result.exit_code == 0, result.output
    assert facts_of(tmp_path / "run")["painting"] == ["0.png", "1.png", "2.png"]
    assert facts_of(tmp_path / "run")["photos"] == ["photo.png"]
