import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.errors import ConfigError, InputError, WeightsError
from sinct.measures import fid
from sinct.measures.fid import PROTOCOLS, FolderScores, kernel_distance_of_folders, score_folders
from sinct.measures.folder_features import features_of
from sinct.measures.inception import Inception, frechet_distance, kernel_distance, subset_kernel_distance
from sinct.networks.torchvision_compat import import_torchvision
from sinct.weights.store import Weights

CPU = torch.device("cpu")
RANDOM = Weights(random=True)


def noise(count: int, dimensions: int, seed: int = 0, shift: float = 0) -> Tensor:
    """Correlated features: float32, as Inception's are."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(dimensions, dimensions, generator=torch.Generator().manual_seed(99)) / dimensions**0.5
    return torch.randn(count, dimensions, generator=generator) @ mix + shift


def moments(features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    values = features.double().numpy()
    return values.mean(axis=0), np.cov(values, rowvar=False)


@pytest.fixture
def folders(make_picture, tmp_path: Path) -> dict[str, list[Path]]:
    """Translations, targets and sources as files."""
    found = {}
    for number, name in enumerate(("translated", "target", "source")):
        (tmp_path / name).mkdir()
        found[name] = [
            make_picture(f"{name}/{k}.png", 80, 60, seed=10 * number + k) for k in range(3 + number)
        ]
    return found


class Pixels:
    """Stands for Inception, and is quick: its features are means of pixels."""

    def __init__(self, state: object, device: torch.device) -> None:
        self.identity, self.device = "p" * 64, device

    def pooled(self, pictures: Tensor) -> Tensor:
        return F.pad(F.adaptive_avg_pool2d(pictures, 26).flatten(1), (0, 20))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fid, "Inception", Pixels)


# Fréchet distance


def test_frechet_distance_of_gaussians_with_given_moments_has_a_closed_form() -> None:
    """Diagonal covariances commute: the trace is the sum of (σ₁ - σ₂)²."""
    axes = torch.eye(4).double()
    points = torch.cat([axes, -axes])  # mean 0, covariance 2/7 on the diagonal
    scales, shift = torch.tensor([1.0, 2, 3, 4]).double(), torch.tensor([0.5, 0, -1, 2]).double()
    expected = shift.square().sum() + 2 / 7 * (scales - 1).square().sum()
    assert frechet_distance(points, points * scales + shift) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize(("first", "second"), [(200, 150), (50, 60), (20, 200), (63, 65), (2, 2)])
def test_frechet_distance_equals_torch_fidelitys(first: int, second: int) -> None:
    """Both in float64; it takes the eigenvalues of Σ₁Σ₂, of which those that are 0 come out as about 1e-16."""
    import_torchvision()
    reference = pytest.importorskip("torch_fidelity.metric_fid")
    a, b = noise(first, 64).double(), noise(second, 64, seed=1, shift=0.1).double()
    statistics = [reference.fid_features_to_statistics(features) for features in (a, b)]
    expected = reference.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-7, abs=1e-6)


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
def test_frechet_distance_equals_pytorch_fids() -> None:
    import_torchvision()
    reference = pytest.importorskip("pytorch_fid.fid_score")
    a, b = noise(200, 64), noise(150, 64, seed=1, shift=0.1)
    expected = reference.calculate_frechet_distance(*moments(a), *moments(b))
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_is_the_same_by_eigenvalues_and_by_singular_values() -> None:
    """A dimension in which nothing varies does not count, but changes the way."""
    a, b = noise(40, 30), noise(35, 30, seed=1, shift=0.2)
    wide = [torch.cat([features, torch.zeros(len(features), 10)], dim=1) for features in (a, b)]
    assert len(a) + len(b) >= 2 * a.shape[1]
    assert len(a) + len(b) < 2 * wide[0].shape[1]
    assert frechet_distance(*wide) == pytest.approx(frechet_distance(a, b), rel=1e-9)


# Kernel distance


def test_subset_kernel_distance_equals_torch_fidelitys() -> None:
    """It multiplies in float32, which leaves about six digits of sums near 1."""
    import_torchvision()
    reference = pytest.importorskip("torch_fidelity.metric_kid")
    a, b = noise(90, 32), noise(70, 32, seed=1, shift=0.3)
    expected = reference.kid_features_to_metric(
        a, b, kid_subsets=100, kid_subset_size=50, rng_seed=2020, verbose=False
    )
    mean, spread = subset_kernel_distance(a, b, size=50)
    assert mean == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-4)
    assert spread == pytest.approx(expected["kernel_inception_distance_std"], rel=1e-4)
    assert spread > 0.01 * mean


def test_subsets_larger_than_a_set_are_refused() -> None:
    with pytest.raises(ConfigError, match="subsets of 50 cannot be drawn from 90 and 49 features"):
        subset_kernel_distance(noise(90, 4), noise(49, 4), size=50)


@pytest.mark.parametrize(("first", "second"), [(1000, 1200), (1200, 1000), (5, 4)])
def test_folders_of_up_to_1000_pictures_are_compared_at_once(first: int, second: int) -> None:
    a, b = noise(first, 3), noise(second, 3, seed=1)
    assert kernel_distance_of_folders(a, b) == (kernel_distance(a, b), None)


def test_larger_folders_are_compared_by_subsets(monkeypatch) -> None:
    monkeypatch.setattr(fid, "_SUBSET", 20)
    a, b = noise(21, 3), noise(30, 3, seed=1)
    assert kernel_distance_of_folders(a, b) == subset_kernel_distance(a, b, size=20)


# Folders


def test_scores_are_those_of_the_features(quick, folders, tmp_path) -> None:
    scores = score_folders(
        folders["translated"], folders["target"], source=folders["source"], weights=RANDOM, cache=tmp_path
    )
    inception = Pixels(None, CPU)
    plain = {name: features_of(files, inception, cache=tmp_path).features for name, files in folders.items()}
    clean = {
        name: features_of(files, inception, resize="clean", cache=tmp_path).features
        for name, files in folders.items()
    }
    assert scores == FolderScores(
        fid=frechet_distance(plain["translated"], plain["target"]),
        clean_fid=frechet_distance(clean["translated"], clean["target"]),
        kid=kernel_distance(plain["translated"], plain["target"]),
        kid_spread=None,
        unchanged_fid=frechet_distance(plain["source"], plain["target"]),
        counts={"translated": 3, "target": 4, "source": 5},
        left_out={},
        protocols={name: PROTOCOLS[name] for name in ("fid", "clean_fid", "kid")},
        random=True,
    )
    assert 0 < scores.clean_fid != scores.fid > 0
    json.dumps(scores.to_json())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Matrix is singular")
def test_fid_of_two_folders_is_pytorch_fids(folders, tmp_path, monkeypatch) -> None:
    """Everything through pytorch-fid's own code but its weights.

    With fewer pictures than dimensions its root of a singular matrix is only good to some digits.
    """
    import_torchvision()
    network = pytest.importorskip("pytorch_fid.inception")
    reference = pytest.importorskip("pytorch_fid.fid_score")
    state = Inception(None, CPU).network.state_dict()
    monkeypatch.setattr(network, "load_state_dict_from_url", lambda *args, **options: state)
    monkeypatch.setattr(reference, "tqdm", lambda batches: batches)
    paths = [str(tmp_path / name) for name in ("translated", "target")]
    expected = reference.calculate_fid_given_paths(paths, 2, "cpu", 2048, num_workers=0)
    scores = score_folders(folders["translated"], folders["target"], weights=RANDOM, cache=tmp_path / "cache")
    assert scores.fid == pytest.approx(expected, rel=1e-4)


def test_scores_of_a_folder_with_itself_are_0(quick, folders, tmp_path) -> None:
    scores = score_folders(folders["target"], folders["target"], weights=RANDOM, cache=tmp_path)
    assert scores.fid == pytest.approx(0, abs=1e-9)
    assert scores.clean_fid == pytest.approx(0, abs=1e-9)
    assert scores.unchanged_fid is None


def test_bad_files_are_named_once(quick, folders, tmp_path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    scores = score_folders([*folders["translated"], bad], folders["target"], weights=RANDOM, cache=tmp_path)
    assert scores.left_out == {str(bad): f"{bad} is empty; copy the whole file again"}
    assert scores.counts == {"translated": 3, "target": 4}


def test_progress_counts_each_way_of_resizing(quick, folders, tmp_path) -> None:
    seen = []
    score_folders(
        folders["translated"],
        folders["target"],
        weights=RANDOM,
        cache=tmp_path,
        on_progress=lambda *done: seen.append(done),
    )
    done = [count for count, _ in seen]
    assert done == sorted(done)
    assert seen[-1] == (14, 14)


def test_empty_folder_is_refused(quick, folders, tmp_path) -> None:
    with pytest.raises(InputError, match="0 of 0 pictures can be read"):
        score_folders(folders["translated"], [], weights=RANDOM, cache=tmp_path)


def test_missing_weights_say_what_to_fetch(folders, tmp_path) -> None:
    with pytest.raises(
        WeightsError, match=r"weights-inception-2015-12-05-6726825d.pth .* run `sinct weights fetch inception"
    ):
        score_folders(folders["translated"], folders["target"], weights=Weights(tmp_path))


def test_missing_package_says_what_to_install(folders, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(
        WeightsError, match=r"torch-fidelity is not installed; run `pip install \"\.\[measures\]\"`"
    ):
        score_folders(folders["translated"], folders["target"], weights=RANDOM)
