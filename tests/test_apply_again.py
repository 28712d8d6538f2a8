"""`sinct.apply` with `resume=True`, where the picture is there already."""

import pytest

import sinct


@pytest.fixture
def made(make_picture, tiny, tmp_path):
    """A run, its painting, and a translation half way."""
    painting, photo = make_picture("a.png"), make_picture("b.png", seed=1)
    sinct.train(painting, photo, tmp_path / "run", config=tiny.replace(steps=1), device="cpu")
    sinct.apply(tmp_path / "run", painting, tmp_path / "out.png", strength=0.5)
    return tmp_path / "run", painting, tmp_path / "out.png"


def test_the_same_translation_may_be_resumed(made):
    before = made[2].read_bytes()
    sinct.apply(*made, strength=0.5, resume=True)
    assert made[2].read_bytes() == before


@pytest.mark.parametrize("mix", [{"strength": 0.4}, {}, {"strength": 0.5, "keep": ["colours"]}])
def test_one_with_another_mix_is_not_replaced(mix, made):
    before = made[2].read_bytes()
    with pytest.raises(
        sinct.OutputError, match=r"out.png already exists, with another strength, mask or parts"
    ):
        sinct.apply(*made, resume=True, **mix)
    assert made[2].read_bytes() == before


@pytest.mark.parametrize("name", ["other.png", "notes.png"])
def test_another_file_is_not_replaced(name, made, make_picture, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"notes") if name == "notes.png" else make_picture(name, seed=5)
    before = path.read_bytes()
    with pytest.raises(
        sinct.OutputError, match=r"already exists, of another picture, so there is nothing to resume"
    ):
        sinct.apply(*made[:2], path, resume=True)
    assert path.read_bytes() == before
    sinct.apply(*made[:2], path, overwrite=True)
    assert path.read_bytes() != before
