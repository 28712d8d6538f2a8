"""The stroke remover's file that comes with sinct."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sinct import WeightsError
from sinct.data.content import Content, prepare, without_strokes
from sinct.networks.stroke_remover import StrokeRemover
from sinct.weights.stroke_remover import FILE, load_stroke_remover, stroke_remover_version

CPU = torch.device("cpu")


def test_the_file_is_small_and_names_what_it_was_learned_from():
    assert FILE.stat().st_size <= 9_000_000
    with safe_open(FILE, framework="pt") as file:
        facts = json.loads(file.metadata()["stroke_remover"])
    assert facts["photographs"]
    assert all(each["author"] and each["licence"] for each in facts["photographs"])


def test_the_network_is_loaded_once_and_learns_nothing():
    network = load_stroke_remover(CPU)
    assert load_stroke_remover(CPU) is network
    assert not any(parameter.requires_grad for parameter in network.parameters())


def missing(path):
    pass


def truncated(path):
    path.write_bytes(FILE.read_bytes()[:5000])


def empty(path):
    path.write_bytes(b"")


def no_weights(path):
    path.write_text("<html>not found</html>")


def narrower(path):
    save_file({name: value.half() for name, value in StrokeRemover(8).state_dict().items()}, path)


def without_a_tensor(path):
    tensors = load_file(FILE)
    tensors.pop("told.weight")
    save_file(tensors, path)


@pytest.mark.parametrize("damage", [missing, truncated, empty, no_weights, narrower, without_a_tensor])
def test_a_file_that_is_not_right_is_told_in_one_line(damage, tmp_path):
    path = tmp_path / "stroke_remover.safetensors"
    damage(path)
    with pytest.raises(
        WeightsError, match=r"cannot be read .*; install sinct again, or .*`remove_strokes=False`"
    ) as error:
        load_stroke_remover(CPU, path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_a_folder_in_the_files_place_is_told(tmp_path):
    with pytest.raises(WeightsError, match="cannot be read"):
        load_stroke_remover(CPU, tmp_path)
    with pytest.raises(WeightsError, match="cannot be read"):
        stroke_remover_version(tmp_path)


def test_the_version_of_a_missing_file_is_told(tmp_path):
    with pytest.raises(WeightsError, match="install sinct again, or train with `remove_strokes=False`"):
        stroke_remover_version(tmp_path / "none.safetensors")


def test_the_version_changes_with_the_file(tmp_path):
    path = tmp_path / "other.safetensors"
    path.write_bytes(FILE.read_bytes() + b"x")
    assert stroke_remover_version(path) != stroke_remover_version()
    assert len(stroke_remover_version()) == 16


def test_without_a_remover_the_painting_itself_comes_back():
    picture = torch.rand(3, 9, 7)
    assert without_strokes(picture, Content()) is picture


def test_with_the_right_version_strokes_are_taken_out():
    picture = torch.rand(3, 9, 7)
    assert not without_strokes(picture, Content(remover=stroke_remover_version())).equal(picture)


def test_another_version_is_refused_and_what_to_do_is_said():
    content = Content(remover="0123456789abcdef")
    message = (
        r"trained with another stroke remover \(0123456789abcdef\) .* "
        r"translate with the version that trained it, or train it again"
    )
    for use in (without_strokes, prepare):
        with pytest.raises(WeightsError, match=message):
            use(torch.rand(3, 9, 7), content)
