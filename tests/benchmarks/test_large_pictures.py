import dataclasses

import pytest
import torch

from benchmarks.ceiling import forward_rate
from benchmarks.large_pictures import Measured, compare, make_model, measure, plot, table, write_noise
from sinct.inference.streamed import stream
from sinct.pictures.rows import open_source
from sinct.runtime.speed import Shape

pytest.importorskip("pyvips")


def test_a_size_is_measured_and_shown(tmp_path):
    write_noise(tmp_path / "source.tif", 248)
    found = measure(0.0615, "draft", 4, None, str(tmp_path))
    assert found.side == 248
    assert found.rate == pytest.approx(found.megapixels / found.seconds)
    assert 0 < found.fraction < 1
    assert found.largest <= 1
    text = table([found], {"device": "d", "threads": 1, "system": "s", "python": "p", "torch": "t", "sinct": "s",
                           "commit": "c", "date": "x"})  # fmt: skip
    assert "| 0 | draft, width 4 |" in text
    plot([found, dataclasses.replace(found, megapixels=2.0)], tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000
    assert isinstance(found, Measured)


def test_comparison_finds_a_difference(tmp_path):
    write_noise(tmp_path / "source.tif", 248)
    device = torch.device("cpu")
    model = make_model("draft", 4, device)
    stream(
        model, open_source(tmp_path / "source.tif"), tmp_path / "out.tif", bits=8, budget=10**9, provenance={},
        resume=False, overwrite=False,
    )  # fmt: skip
    assert compare(model, tmp_path / "source.tif", tmp_path / "out.tif")[1] <= 1
    torch.manual_seed(1)
    next(model.generator.parameters()).add_(1.0)
    assert compare(model, tmp_path / "source.tif", tmp_path / "out.tif")[0] > 0.5


def test_forward_rate_is_positive():
    assert forward_rate(Shape(1, 4, 16), torch.float32, torch.device("cpu"), repeats=1) > 0
