"""The training of the network that scores street scenes: its setting, its batches, and how it goes on."""

import math

import pytest
import torch

from sinct.errors import CheckpointError, ConfigError, InputError, OutputError, WeightsError
from sinct.inference import checkpoint
from sinct.measures.segmentation import pixel_accuracy
from sinct.measures.street_classes import IGNORED
from sinct.measures.street_scores import find_labels, score_scenes, semantic_scores
from sinct.networks.drn import DRN
from sinct.training import segmenter
from sinct.training.segmenter import SegmenterSettings, load_segmenter, train_segmenter
from tests.support.street_scenes import draw_scenes

CPU = torch.device("cpu")
TINY = {"epochs": 2, "batch_size": 2, "width": 2, "crop_size": 32}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    photographs, _, labels = draw_scenes(tmp_path_factory.mktemp("scenes"), count=3)
    return find_labels(sorted(photographs.iterdir()), sorted(labels.iterdir()))


def train(pairs, output, changes=None, **options):
    settings = SegmenterSettings(**{**TINY, **(changes or {})})
    return train_segmenter(
        pairs, output, settings, **{"start": None, "numbers": "ids", "device": CPU, **options}
    )


def test_setting_is_the_published_one():
    """Park et al. 2020, appendix C.2; the rest from README of github.com/fyu/drn."""
    assert SegmenterSettings().to_dict() == {
        "epochs": 250, "batch_size": 32, "learning_rate": 0.01, "fall_epochs": 100, "momentum": 0.9,
        "weight_decay": 1e-4, "crop_size": 112, "width": 16, "seed": 0,
    }  # fmt: skip


def test_rate_falls_tenfold_every_hundred_epochs():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    rates = []
    for step in (0, 299, 300, 599, 600, 749):  # three steps an epoch
        segmenter._fall(optimizer, SegmenterSettings(), step, 750)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.01, 0.01, 1e-3, 1e-3, 1e-4, 1e-4])


@pytest.mark.parametrize(
    "changes", [{"crop_size": 100}, {"crop_size": 136}, {"batch_size": 0}, {"momentum": 1.5}, {"seed": 2**63}]
)
def test_settings_that_cannot_be_are_refused(changes):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        SegmenterSettings(**changes)


def test_an_epoch_shows_every_photograph_once(pairs):
    scenes, truth = segmenter._read(pairs, "ids", lambda done, total: None)
    scenes[:] = torch.arange(3).view(3, 1, 1, 1)  # each in a colour of its own
    settings = SegmenterSettings(**TINY)
    for epoch in range(3):
        found = [segmenter._batch(scenes, truth, settings, 2 * epoch + n)[0][:, 0, 0, 0] for n in range(2)]
        assert len(set(torch.cat(found).tolist())) == 3


def test_labels_are_cropped_and_mirrored_as_photographs_are(pairs):
    """Photographs that are their own label maps."""
    scenes, truth = segmenter._read(pairs, "ids", lambda done, total: None)
    scenes[:] = truth[..., None]
    orders = set()
    for step in range(8):
        pictures, labels = segmenter._batch(scenes, truth, SegmenterSettings(**TINY), step)
        back = (pictures[:, 0] * segmenter.DEVIATION[0] + segmenter.MEAN[0]) * 255
        assert torch.equal(back.round().long(), labels)
        orders.add(tuple(labels[0, 0].tolist()))
    assert len(orders) > 1


def test_loss_leaves_out_pixels_of_no_class():
    network, labels = DRN(19, width=2), torch.randint(0, 19, (1, 16, 16))
    pictures = torch.rand(1, 3, 16, 16)
    labels[0, :8] = IGNORED
    network.eval()
    logs = network(pictures).log_softmax(dim=1)[0].detach()
    expected = [-float(logs[labels[0, y, x], y, x]) for y in range(8, 16) for x in range(16)]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    assert float(segmenter._step(network, optimizer, pictures, labels)) == pytest.approx(
        sum(expected) / len(expected), rel=1e-5
    )


def test_a_batch_without_any_class_changes_nothing():
    network = DRN(19, width=2).eval()
    before = network.seg.weight.clone()
    labels = torch.full((1, 16, 16), IGNORED)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    assert float(segmenter._step(network, optimizer, torch.rand(1, 3, 16, 16), labels)) == 0
    assert torch.equal(network.seg.weight, before)


def test_interpolation_stays_as_it_is(pairs, tmp_path):
    train(pairs, tmp_path / "a.safetensors", {"weight_decay": 0.1})
    stored = checkpoint.load(tmp_path / "a.safetensors").tensors["network.up.weight"]
    assert torch.equal(stored, DRN(19, width=2).up.weight)


def test_a_stopped_training_goes_on_bit_for_bit(pairs, tmp_path):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    assert train(pairs, whole).finished
    answers = iter([False, False, False, True])
    early = train(pairs, parts, should_stop=lambda: next(answers))
    assert (early.steps, early.planned, early.finished) == (3, 4, False)
    assert train(pairs, parts, resume=True).finished
    assert whole.read_bytes() == parts.read_bytes()


def test_a_finished_training_stays_as_it_is(pairs, tmp_path):
    output = tmp_path / "a.safetensors"
    train(pairs, output)
    before = output.read_bytes()
    again = train(pairs, output, resume=True)
    assert again.finished
    assert math.isnan(again.loss)
    assert output.read_bytes() == before


def test_an_existing_file_is_kept(pairs, tmp_path):
    output = tmp_path / "a.safetensors"
    output.write_text("mine")
    with pytest.raises(OutputError, match="already exists; give `resume=True`"):
        train(pairs, output)
    assert output.read_text() == "mine"


@pytest.mark.parametrize("changes", [{"learning_rate": 0.1}, {"epochs": 3}, {"width": 4}])
def test_another_training_does_not_go_on(pairs, tmp_path, changes):
    train(pairs, tmp_path / "a.safetensors")
    with pytest.raises(
        CheckpointError, match=rf"another training, with other values of {next(iter(changes))};"
    ):
        train(pairs, tmp_path / "a.safetensors", changes, resume=True)


def test_a_start_from_imagenet_leaves_the_classes_random(pairs, tmp_path):
    given = DRN(1000, width=2, seed=5).state_dict()
    state = {n.replace("base.", "layer"): v for n, v in given.items() if n.startswith("base.")}
    output = tmp_path / "a.safetensors"
    train(pairs, output, {"learning_rate": 1e-9}, start=state)
    found = checkpoint.load(output)
    assert torch.allclose(found.tensors["network.base.6.0.conv1.weight"], given["base.6.0.conv1.weight"])
    assert found.description["begun_with_imagenet"]


def test_maps_without_any_class_are_refused(tmp_path):
    from PIL import Image

    for name in ("photograph", "label"):
        (tmp_path / name).mkdir()
        Image.new("RGB" if name == "photograph" else "L", (256, 128)).save(tmp_path / name / "a.png")
    pairs = [(tmp_path / "photograph/a.png", tmp_path / "label/a.png")]
    with pytest.raises(InputError, match="no pixel of 1 label map has a class"):
        train(pairs, tmp_path / "a.safetensors")


# Loading


def test_a_trained_network_is_loaded_for_use(pairs, tmp_path):
    output = tmp_path / "a.safetensors"
    train(pairs, output)
    found = load_segmenter(output, CPU)
    assert not found.network.training
    assert found.origin.startswith("DRN-D-22 of sinct after step 4 of 4, sha256 ")
    matrix = score_scenes(pairs, found.network, mean=found.mean, deviation=found.deviation)
    assert matrix.sum() > 0


def test_the_authors_file_is_loaded(tmp_path):
    path = tmp_path / "drn_d_22_cityscapes.pth"
    network = DRN(19, seed=3)
    torch.save(network.state_dict(), path)
    found = load_segmenter(path, CPU)
    assert torch.equal(found.network.seg.weight, network.seg.weight)
    assert found.origin.startswith("drn_d_22_cityscapes.pth, sha256 ")


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("a.pth", None, WeightsError, "there is no network"),
        ("a.pth", {"fc.weight": torch.zeros(2)}, WeightsError, "not the weights of such a DRN-D-22"),
        ("a.pth", b"text", WeightsError, "cannot be read as tensors by name"),
        ("a.safetensors", b"text", CheckpointError, "is damaged"),
    ],
)
def test_other_files_are_refused_in_a_line(tmp_path, name, content, error, message):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(error, match=message):
        load_segmenter(path, CPU)


def test_a_model_of_sinct_is_no_segmenter(tmp_path):
    checkpoint.save(tmp_path / "a.safetensors", "model", {}, {})
    with pytest.raises(CheckpointError, match="is a model, not a network for street scenes"):
        load_segmenter(tmp_path / "a.safetensors", CPU)


@pytest.mark.parametrize("width", [4, 10**9])
def test_a_description_that_does_not_fit_is_refused_before_a_network_is_built(pairs, tmp_path, width):
    train(pairs, tmp_path / "a.safetensors")
    stored = checkpoint.load(tmp_path / "a.safetensors")
    config = {**stored.description["config"], "width": width}
    facts = {"config": config, "step": 4, "planned": 4}
    checkpoint.save(tmp_path / "b.safetensors", segmenter.KIND, stored.tensors, facts)
    with pytest.raises(CheckpointError, match="does not fit its own settings"):
        load_segmenter(tmp_path / "b.safetensors", CPU)


@pytest.mark.parametrize(
    "facts",
    [{}, {"config": {"width": "a"}, "step": 1, "planned": 1}, {"config": {}, "step": "x", "planned": 1}],
)
def test_a_damaged_description_is_one_line(tmp_path, facts):
    checkpoint.save(tmp_path / "a.safetensors", segmenter.KIND, {}, facts)
    with pytest.raises(CheckpointError, match="is damaged"):
        load_segmenter(tmp_path / "a.safetensors", CPU)


@pytest.mark.slow
def test_a_small_network_learns_drawn_scenes(tmp_path):
    """Known-right scenes, which it has not seen, score far above scenes in wrong colours."""
    places = [draw_scenes(tmp_path / name, seed=seed, wrong=wrong) for name, seed, wrong in
              (("train", 0, False), ("right", 1, False), ("wrong", 1, True))]  # fmt: skip
    found = [find_labels(sorted(p.iterdir()), sorted(m.iterdir())) for p, _, m in places]
    changes = {"epochs": 60, "batch_size": 6, "learning_rate": 0.1, "crop_size": 64}
    done = train(found[0], tmp_path / "a.safetensors", changes)
    assert done.loss < 0.8  # log(4) = 1.39 for a guess among the four
    loaded = load_segmenter(tmp_path / "a.safetensors", CPU)
    plain = {"mean": loaded.mean, "deviation": loaded.deviation}
    right, wrong = (score_scenes(each, loaded.network, **plain) for each in found[1:])
    assert pixel_accuracy(right) > 0.7
    assert pixel_accuracy(wrong) < 0.3
    assert semantic_scores(right)["mIoU"] > 2 * semantic_scores(wrong)["mIoU"]
