"""What shows of a picture and of its translation: parts, strength, mask; the same in rows as in one piece."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

import sinct
from sinct.inference import streamed
from sinct.inference.mixing import Mix
from sinct.inference.parts import PARTS, REACH, with_parts_of
from sinct.networks.choice import GENERATORS
from sinct.pictures.masks import open_mask
from sinct.pictures.picture import read_picture, read_provenance
from sinct.pictures.windows import Sides
from tests.support.streaming import make_model, run_stream, samples

HEIGHT, WIDTH = 190, 210


@pytest.fixture
def model(tiny):
    return make_model(tiny)


@pytest.fixture
def windows(monkeypatch):
    """Plan windows smaller than a test picture, with room for what parts reach."""
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(244, 240))


@pytest.fixture
def make_mask(tmp_path):
    """Write a mask: black above row 60, white below row 120, and a ramp between."""

    def make(name="mask.png", bits=8, height=HEIGHT, width=WIDTH):
        ramp = np.clip((np.arange(height) * HEIGHT / height - 60) / 60, 0, 1)[:, None].repeat(width, axis=1)
        Image.fromarray(np.rint(ramp * (2**bits - 1)).astype(f"uint{bits}")).save(tmp_path / name)
        return tmp_path / name

    return make


def pixels(seed):
    return torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_parts_come_first_then_strength_then_the_mask(tmp_path):
    ramp = np.linspace(0, 255, 2000).astype(np.uint8).reshape(40, 50)
    Image.fromarray(ramp).save(tmp_path / "mask.png")
    mask = open_mask(tmp_path / "mask.png", 40, 50)
    picture, translation = pixels(0), pixels(1)
    stronger = torch.lerp(picture, with_parts_of(picture, translation, ["light"]), 0.7)
    wanted = torch.lerp(picture, stronger, torch.from_numpy(ramp / np.float32(255)))
    found = Mix(0.7, ["light"], mask).mixed(picture, translation)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_a_part_of_a_picture_sees_its_part_of_the_mask(make_mask):
    mix = Mix(mask=open_mask(make_mask(), 40, 50))
    picture, translation = pixels(0), pixels(1)
    whole = mix.mixed(picture, translation)
    part = mix.mixed(picture[:, 9:30, 4:20], translation[:, 9:30, 4:20], 9, 4)
    assert torch.equal(part, whole[:, 9:30, 4:20])


@pytest.mark.parametrize("keep", ["light", ["light"], ("light", "light"), iter(["light"])])
def test_parts_are_given_in_any_way(keep):
    assert Mix(keep=keep).keep == ("light",)


def test_parts_are_sorted_so_that_their_order_makes_no_other_job():
    assert Mix(keep=("texture", "colours")) == Mix(keep=("colours", "texture"))


@pytest.mark.parametrize("keep", ["colors", ["light", "strokes"]])
def test_an_unknown_part_is_refused(keep):
    with pytest.raises(
        sinct.ConfigError, match=r"`keep` takes colours, light, texture, not '(colors|strokes)'"
    ):
        Mix(keep=keep)


def test_only_what_was_asked_for_is_told(make_mask):
    mask = open_mask(make_mask(), 40, 50)
    assert Mix().facts() == {}
    assert Mix(0.5, PARTS[:1], mask).facts() == {
        "strength": 0.5, "keep": ["colours"], "mask_sha256": mask.sha256
    }  # fmt: skip


def test_a_white_mask_gives_the_translation_bit_for_bit(model, noisy, tmp_path):
    Image.new("L", (30, 30), 255).save(tmp_path / "white.png")
    sinct.apply(model, noisy(), tmp_path / "full.png")
    sinct.apply(model, noisy(), tmp_path / "masked.png", mask=tmp_path / "white.png")
    assert np.array_equal(samples(tmp_path / "masked.png"), samples(tmp_path / "full.png"))


@pytest.mark.parametrize("mask_bits", [8, 16])
def test_black_keeps_the_pictures_own_pixels_white_the_translations_and_grey_mixes(
    model, noisy, make_mask, tmp_path, mask_bits
):
    source = noisy()
    sinct.apply(model, source, tmp_path / "full.png")
    sinct.apply(model, source, tmp_path / "out.png", mask=make_mask(bits=mask_bits))
    out, full, own = (samples(path) for path in (tmp_path / "out.png", tmp_path / "full.png", source))
    assert np.array_equal(out[:61], own[:61])
    assert np.array_equal(out[120:], full[120:])
    weight = np.clip((np.arange(HEIGHT) - 60) / 60, 0, 1)[:, None, None]
    assert np.abs(out - ((1 - weight) * own + weight * full)).max() <= 1.5
    assert not np.array_equal(own[61:], full[61:])


def test_16_bits_stay_as_they_are_where_the_mask_is_black(model, noisy, make_mask, tmp_path):
    source = noisy(bits=16)
    sinct.apply(model, source, tmp_path / "out.png", mask=make_mask())
    written, own = (read_picture(path).pixels for path in (tmp_path / "out.png", source))
    assert torch.equal(written[:, :61], own[:, :61])


def test_all_parts_give_the_pictures_own_pixels(model, noisy, tmp_path):
    sinct.apply(model, noisy(), tmp_path / "out.png", keep=PARTS)
    assert np.array_equal(samples(tmp_path / "out.png"), samples(noisy()))


@pytest.mark.parametrize("generator", sorted(name for name in GENERATORS if not GENERATORS[name].whole))
@pytest.mark.parametrize(
    ("strength", "keep", "masked"),
    [(1.0, ["light"], False), (0.6, ["colours", "texture"], True), (1.0, [], True), (1.0, PARTS, True)],
)
def test_rows_are_as_one_piece(tiny, noisy, make_mask, windows, tmp_path, generator, strength, keep, masked):
    pytest.importorskip("pyvips")
    model, source = make_model(tiny, generator), noisy()
    mask = open_mask(make_mask(), HEIGHT, WIDTH, tmp_path / "rows.png") if masked else None
    run_stream(dataclasses.replace(model, mix=Mix(strength, keep, mask)), source, tmp_path / "rows.png")
    whole = tmp_path / "whole.png"
    sinct.apply(model, source, whole, strength=strength, keep=keep, mask=make_mask() if masked else None)
    difference = np.abs(samples(tmp_path / "rows.png") - samples(whole))
    # A value on the edge between two levels may be rounded either way.
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4
    if masked:
        assert np.array_equal(samples(tmp_path / "rows.png")[:61], samples(source)[:61])


def test_windows_of_what_reaches_far_overlap_by_as_much(model, noisy, windows, tmp_path):
    pytest.importorskip("pyvips")
    kept = dataclasses.replace(model, mix=Mix(keep=["light"]))
    assert kept.halo == model.halo + REACH
    assert (
        run_stream(kept, noisy(), tmp_path / "kept.png").waste
        > run_stream(model, noisy(), tmp_path / "full.png").waste
    )


def test_where_the_mask_is_black_nothing_is_translated(model, noisy, make_mask, monkeypatch, tmp_path):
    pytest.importorskip("pyvips")
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(172, 274))
    asked = []
    generate = model.generator.forward

    def counted(picture, noise=None):
        asked.append(picture.shape)
        return generate(picture, noise)

    monkeypatch.setattr(model.generator, "forward", counted)
    counts = []
    for mask in (None, open_mask(make_mask(), HEIGHT, WIDTH)):
        asked.clear()
        run_stream(dataclasses.replace(model, mix=Mix(mask=mask)), noisy(), tmp_path / f"{mask is None}.png")
        counts.append(len(asked))
    assert 0 < counts[1] < counts[0]


@pytest.mark.parametrize(
    "options", [{}, {"keep": ["light"]}, {"mask": "other.png"}, {"mask": "mask.png", "strength": 0.5}]
)
def test_an_unfinished_picture_of_another_mix_is_not_continued(
    model, noisy, make_mask, tmp_path, windows, options
):
    pytest.importorskip("pyvips")
    make_mask()
    make_mask("other.png", height=100)
    common = {"max_memory": 10**9}
    output = tmp_path / "out.dzi"
    mask = tmp_path / "mask.png"
    sinct.apply(model, noisy(), output, mask=mask, should_stop=lambda: True, **common)
    options = {name: tmp_path / value if name == "mask" else value for name, value in options.items()}
    with pytest.raises(sinct.OutputError, match="belongs to another picture, model or setting"):
        sinct.apply(model, noisy(), output, resume=True, **options, **common)
    assert sinct.apply(model, noisy(), output, resume=True, mask=mask, **common).finished


def test_an_unfinished_picture_is_continued_in_other_windows(
    model, noisy, make_mask, windows, monkeypatch, tmp_path
):
    pytest.importorskip("pyvips")
    mix = Mix(0.9, ["light"], open_mask(make_mask(), HEIGHT, WIDTH))
    mixed, output = dataclasses.replace(model, mix=mix), tmp_path / "out.png"
    assert 0 < run_stream(mixed, noisy(), output, should_stop=lambda: True).rows < HEIGHT
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(252, 260))
    assert run_stream(mixed, noisy(), output, resume=True).finished
    sinct.apply(mixed, noisy(), tmp_path / "whole.png", strength=0.9, keep=["light"], mask=make_mask())
    difference = np.abs(samples(output) - samples(tmp_path / "whole.png"))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4


def test_a_mixed_translation_says_so(model, noisy, make_mask, tmp_path):
    sinct.apply(model, noisy(), tmp_path / "out.png", keep=["texture", "light"], mask=make_mask())
    facts = read_provenance(tmp_path / "out.png")
    assert facts["keep"] == "light, texture"
    assert facts["mask_sha256"] == open_mask(make_mask(), 10, 10).sha256


@pytest.mark.parametrize("suffix", [".png", ".dzi"])
def test_remarks_on_the_mask_are_told(model, noisy, make_mask, tmp_path, suffix):
    if suffix == ".dzi":
        pytest.importorskip("pyvips")
    done = sinct.apply(model, noisy(), tmp_path / f"out{suffix}", mask=make_mask(width=90))
    assert [remark.code for remark in done.warnings if "shape" in remark] == ["mask"]


@pytest.mark.parametrize("shown", [0, 255])
def test_flaws_are_looked_for_only_where_the_mask_shows_them(model, tmp_path, monkeypatch, shown):
    """Half of the picture is inverted, and the mask keeps that half or shows it."""
    ramp = np.linspace(0, 255, 200).astype(np.uint8)[None, :, None].repeat(100, axis=0).repeat(3, axis=2)
    Image.fromarray(ramp).save(tmp_path / "in.png")
    mask = np.full((100, 200), 255 - shown, np.uint8)
    mask[:, :100] = shown
    Image.fromarray(mask).save(tmp_path / "mask.png")

    def half_inverted(_, prepared, height, width, window):
        pixels = prepared(slice(0, height), slice(0, width)).clone()
        pixels[:, :, :100] = -1 - pixels[:, :, :100]
        return pixels

    plain = dataclasses.replace(model, content=dataclasses.replace(model.content, detail=1.0, grain=0.0))
    monkeypatch.setattr(type(model), "_assembled", half_inverted)
    done = sinct.apply(plain, tmp_path / "in.png", tmp_path / "out.png", mask=tmp_path / "mask.png")
    assert ("inverted" in [remark.code for remark in done.warnings]) == (shown == 255)


@pytest.mark.parametrize("options", [{}, {"strength": 0.0}, {"keep": ["texture"]}])
def test_the_scale_is_told_only_where_it_shows(model, noisy, tmp_path, options):
    far = dataclasses.replace(model, widths=(2000, 3000))
    codes = [remark.code for remark in sinct.apply(far, noisy(), tmp_path / "out.png", **options).warnings]
    assert ("scale" in codes) == (not options)
