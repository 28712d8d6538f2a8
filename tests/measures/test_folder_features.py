import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sinct.errors import ConfigError, InputError, OutOfMemoryError
from sinct.measures.folder_features import (
    RESIZINGS,
    FolderFeatures,
    cache_folder,
    clean_resized,
    features_of,
    pytorch_resized,
)
from sinct.measures.inception import Inception
from sinct.networks.torchvision_compat import import_torchvision

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def inception() -> Inception:
    return Inception(None, CPU)


class Counted:
    """Stands for Inception: its features are means of the pictures, and it counts what it sees."""

    def __init__(self, identity: str = "a" * 64) -> None:
        self.identity = identity
        self.device = CPU
        self.batches: list[int] = []

    def pooled(self, pictures: Tensor) -> Tensor:
        self.batches.append(len(pictures))
        return pictures.mean(dim=(1, 2, 3))[:, None] * torch.ones(2048)


@pytest.fixture
def network() -> Counted:
    return Counted()


@pytest.fixture
def files(make_picture) -> list[Path]:
    return [make_picture(f"{seed}.png", seed=seed) for seed in range(3)]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def kept(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def pixels(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, height, width), generator=generator, dtype=torch.uint8)


# The network


def pytorch_fid_network(inception: Inception, monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """pytorch-fid's own network with our weights, loaded by name."""
    import_torchvision()
    reference = pytest.importorskip("pytorch_fid.inception")
    state = inception.network.state_dict()
    monkeypatch.setattr(reference, "load_state_dict_from_url", lambda *args, **options: state)
    return reference.InceptionV3().eval()


def test_features_equal_pytorch_fids(inception, make_picture, cache, monkeypatch) -> None:
    """The same operations on the same values, so only the order of float32 sums may differ."""
    network = pytorch_fid_network(inception, monkeypatch)
    score = pytest.importorskip("pytorch_fid.fid_score")
    monkeypatch.setattr(score, "tqdm", lambda batches: batches)
    files = [make_picture("a.png", 400, 310), make_picture("b.jpg", 400, 310, seed=1, quality=90)]
    expected = torch.from_numpy(score.get_activations(files, network, batch_size=2, num_workers=0)).float()
    found = features_of(files, inception, cache=cache).features
    assert (expected[0] - expected[1]).abs().max() > 0.05
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_torch_fidelitys_own_resizing_gives_other_features(inception) -> None:
    """It samples half a pixel off, so the ways must not be mixed."""
    picture = pixels(70, 90)
    own = inception.network(picture[None])[0]
    found = inception.pooled(pytorch_resized(picture)[None])
    assert (own - found).abs().max() > 0.01


def test_torch_fidelitys_own_features_come_out_with_its_resizing(inception) -> None:
    import_torchvision()
    reference = pytest.importorskip("torch_fidelity.interpolate_compat_tensorflow")
    picture = pixels(70, 90)[None]
    resized = reference.interpolate_bilinear_2d_like_tensorflow1x(
        picture.float(), size=(299, 299), align_corners=False
    )
    found = inception.pooled((resized - 128) / 128)
    torch.testing.assert_close(found, inception.network(picture)[0])


def test_identity_depends_on_every_weight(inception) -> None:
    before = inception.identity
    other = Inception(inception.network.state_dict(), CPU)
    assert other.identity == before
    changed = {name: value.clone() for name, value in inception.network.state_dict().items()}
    changed["Mixed_7c.branch1x1.bn.bias"][5] += 1e-3
    assert Inception(changed, CPU).identity != before


# Resizing


@pytest.mark.parametrize(("height", "width"), [(120, 90), (400, 640), (299, 299), (5, 700)])
def test_clean_resizing_is_clean_fids(height: int, width: int) -> None:
    import_torchvision()
    reference = pytest.importorskip("cleanfid.resize")
    picture = pixels(height, width)
    expected = reference.build_resizer("clean")(picture.permute(1, 2, 0).numpy())
    expected = (torch.from_numpy(expected).permute(2, 0, 1) - 128) / 128
    assert torch.equal(clean_resized(picture), expected)


@pytest.mark.parametrize(("resize", "aliased"), [(pytorch_resized, True), (clean_resized, False)])
def test_only_clean_resizing_averages_fine_stripes(resize, aliased: bool) -> None:
    stripes = (torch.arange(1200) % 2 * 255).to(torch.uint8).expand(3, 1200, 1200)
    inside = resize(stripes)[:, 50:-50, 50:-50]
    assert (float(inside.std()) > 0.2) == aliased


def test_pytorch_resizing_samples_between_the_two_nearest_pixels() -> None:
    """At 299 of 598 px, place i lies at 2 i + 1/2: half way between two pixels."""
    picture = pixels(598, 598)
    values = picture.double() / 127.5 - 1
    expected = (values[:, ::2, ::2] + values[:, 1::2, ::2] + values[:, ::2, 1::2] + values[:, 1::2, 1::2]) / 4
    torch.testing.assert_close(pytorch_resized(picture).double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp"])
def test_pixels_are_those_of_pillow(network, tmp_path, make_picture, cache, suffix: str) -> None:
    """So that values are comparable with pytorch-fid's, which reads with Pillow."""
    file = make_picture(f"a.{suffix}", 299, 299)
    seen = []
    network.pooled = lambda pictures: seen.append(pictures) or pictures.new_zeros(len(pictures), 2048)
    features_of([file, file], network, cache=cache)
    expected = torch.from_numpy(np.asarray(Image.open(file).convert("RGB")).copy()).permute(2, 0, 1)
    torch.testing.assert_close(seen[0][0], expected / 127.5 - 1, rtol=0, atol=1e-6)


def test_unknown_way_of_resizing_lists_the_known(network, files) -> None:
    with pytest.raises(ConfigError, match="unknown way of resizing 'tensorflow'; there are pytorch, clean"):
        features_of(files, network, resize="tensorflow")


# Batches


def test_features_come_in_the_order_of_the_files(network, files, cache) -> None:
    features_of(files[1:], network, cache=cache)
    found = features_of(files, network, cache=cache).features
    backwards = features_of(files[::-1], network, cache=cache).features
    assert len({float(row[0]) for row in found}) == 3
    assert torch.equal(found, backwards.flip(0))


def test_last_batch_may_be_smaller(network, files, cache) -> None:
    features_of(files, network, cache=cache, batch=2)
    assert network.batches == [2, 1]


def test_progress_ends_with_all_files(network, files, cache) -> None:
    seen = []
    features_of(files, network, cache=cache, batch=2, on_progress=lambda *done: seen.append(done))
    assert seen == [(0, 3), (2, 3), (3, 3)]


def test_batch_below_1_is_refused(network, files) -> None:
    with pytest.raises(ConfigError, match="`batch` is 0; give at least 1"):
        features_of(files, network, batch=0)


def test_too_little_memory_asks_for_a_smaller_batch(network, files, cache) -> None:
    def full(pictures: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    network.pooled = full
    with pytest.raises(OutOfMemoryError, match=r"a batch of 3 does not fit .* smaller `batch`"):
        features_of(files, network, cache=cache)


# Bad files


@pytest.mark.parametrize("place", [0, 1, 3])
def test_bad_file_is_named_and_left_out(network, files, cache, tmp_path, place: int) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    found = features_of([*files[:place], bad, *files[place:]], network, cache=cache)
    assert list(found.left_out) == [str(bad)]
    assert "bad.png" in found.left_out[str(bad)]
    assert torch.equal(found.features, features_of(files, network, cache=cache).features)


def test_missing_file_is_named_and_left_out(network, files, cache, tmp_path) -> None:
    found = features_of([*files, tmp_path / "none.png"], network, cache=cache)
    assert found.left_out[str(tmp_path / "none.png")].endswith("none.png does not exist; check the path")


def test_one_readable_picture_is_too_few(network, files, cache, tmp_path) -> None:
    with pytest.raises(
        InputError, match=r"1 of 2 pictures in .* can be read, .* at least 2: .*none.png does not"
    ):
        features_of([files[0], tmp_path / "none.png"], network, cache=cache)


def test_no_picture_is_too_few(network, cache) -> None:
    with pytest.raises(InputError, match=r"0 of 0 pictures can be read, .* at least 2; give more"):
        features_of([], network, cache=cache)


# Cache


def test_second_time_computes_nothing(network, files, cache) -> None:
    first = features_of(files, network, cache=cache).features
    second = features_of(files, network, cache=cache).features
    assert network.batches == [3]
    assert torch.equal(first, second)


def test_same_bytes_under_another_name_compute_nothing(network, files, cache, tmp_path) -> None:
    features_of(files, network, cache=cache)
    copy = shutil.copy(files[0], tmp_path / "copy.png")
    features_of([copy, files[1]], network, cache=cache)
    assert network.batches == [3]


def test_changed_file_is_computed_again(network, files, cache, make_picture) -> None:
    before = features_of(files, network, cache=cache).features
    make_picture("1.png", seed=9)
    after = features_of(files, network, cache=cache).features
    assert network.batches == [3, 1]
    assert [bool((a == b).all()) for a, b in zip(before, after, strict=True)] == [True, False, True]


@pytest.mark.parametrize("other", ["network", "device", "resizing"])
def test_kept_features_are_those_of_network_device_and_resizing(network, files, cache, other: str) -> None:
    features_of(files, network, cache=cache)
    again = Counted("b" * 64 if other == "network" else network.identity)
    if other == "device":
        again.device = torch.device("cuda")  # only its name is used
    features_of(files, again, cache=cache, resize="clean" if other == "resizing" else "pytorch")
    assert again.batches == [3]
    assert len(kept(cache)) == 6


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:4096],
        lambda data: data + b"\0",
        lambda data: bytes([data[0] ^ 1]) + data[1:],
    ],
    ids=["empty", "byte missing", "half", "byte more", "bit"],
)
def test_damaged_features_are_computed_again(network, files, cache, damage) -> None:
    before = features_of(files, network, cache=cache).features
    victim = kept(cache)[1]
    victim.write_bytes(damage(victim.read_bytes()))
    assert torch.equal(features_of(files, network, cache=cache).features, before)
    assert network.batches == [3, 1]
    features_of(files, network, cache=cache)
    assert network.batches == [3, 1]


def test_unfinished_work_is_kept_batch_by_batch(network, files, cache) -> None:
    """A kill, here an interrupt, loses at most the batch at work."""

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features_of(files, network, cache=cache, batch=1, on_progress=stop)
    features_of(files, network, cache=cache)
    assert network.batches == [1, 2]


def test_cache_that_cannot_be_written_is_a_warning(network, files, cache) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="features are not kept for the next time: cannot write") as seen:
        found = features_of(files, network, cache=cache, batch=1)
    assert len(seen) == 1
    assert isinstance(found, FolderFeatures)
    assert len(found.features) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system chooses the place")
def test_cache_lies_beside_the_weights(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sinct" / "features"


def test_every_way_of_resizing_gives_inceptions_size_and_range() -> None:
    for resize in RESIZINGS.values():
        resized = resize(pixels(40, 1000))
        assert resized.shape == (3, 299, 299)
        assert resized.dtype == torch.float32
        assert float(resized.min()) >= -1
        assert float(resized.max()) <= 1
