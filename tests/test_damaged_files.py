"""Files from elsewhere that sinct would write itself, or takes beside pictures: damaged, or made to harm.

Each gives a result or one line: no traceback, and no memory for which the file does not account.
"""

import json
import random
import shutil
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import sinct
from sinct.batch.jobs import Job, Outcome
from sinct.batch.ledger import Entry, Ledger, State, read_entries
from sinct.batch.manifest import read_manifest
from sinct.batch.report import write_batch_report
from sinct.batch.settings import Settings
from sinct.comparison import folder as comparison_folder
from sinct.comparison.outcomes import outcome_of
from sinct.comparison.pairs import read_pairs
from sinct.comparison.worker import Outcome as MethodOutcome
from sinct.comparison.worker import Request
from sinct.data.colours import NUMBERS
from sinct.data.folders import find_images
from sinct.inference import checkpoint
from sinct.inference.model import load_model
from sinct.objectives.cut import Trainer
from sinct.report.results import Comparison
from sinct.training.run_directory import RunDirectory
from sinct.training.terms import Term
from sinct.weights.stroke_remover import load_stroke_remover
from sinct.weights.warm_start import load_warm_start, warm_start_facts
from tests.support.fuzzing.documents import (
    DEEP,
    damaged_bytes,
    damaged_json,
    damaged_lines,
    write_damaged_checkpoint,
    write_signed,
)
from tests.support.report_example import EXAMPLE
from tests.support.streaming import make_model

resource = pytest.importorskip("resource")  # which Windows lacks

OLD = Path(__file__).parent / "support" / "version_0_1"
SETTINGS = Settings("draft", steps=4)
JOB = Job("a", "pair", ("a.png",), ("b.png",), "a-out.png", SETTINGS)
REQUEST = Request("photo", "a.png", "b.png", ("0", "1"), None, None, 0, "cpu", None, True, None)

CSV = b'painting,photo,name,steps,betas\n"a.png","b.png;c.png",one,4,"[0.0, 0.9]"\nd.png,e.png,two,,\n'
LINES = b'{"painting": "a.png", "photo": ["b.png"], "steps": 4}\n{"painting": "d.png", "photo": "e.png"}\n'
LOG = b'{"step": 10, "discriminator": 0.5, "warnings": ["x"]}\n{"step": 20, "discriminator": null}\n'


def read_config(path):
    RunDirectory(path.parent).read_config(Trainer)


def read_log(path):
    run = RunDirectory(path.parent)
    run.rewind_log(10)
    run.read_log()


def begin_comparison(path):
    comparison_folder._recorded(path)


DOCUMENTS = {
    "config.json": (
        (OLD / "run" / "config.json").read_bytes(), damaged_json, read_config
    ),
    "log.jsonl": (LOG, damaged_lines, read_log),
    "results.json": (
        json.dumps(EXAMPLE, default=lambda value: value.__dict__).encode(), damaged_json, Comparison.load
    ),
    "pair.json": (b'["0123", "4567"]', damaged_json, begin_comparison),
    "outcome.json": (
        json.dumps(Outcome("key", None, warnings=("x",), figures={"steps": 4}).to_json()).encode(),
        damaged_json,
        Outcome.load,
    ),
    "method-outcome.json": (
        b'{"reason": null, "seconds": 1.5, "memory": 7, "device": "cpu", "facts": {}}', damaged_json, MethodOutcome.load
    ),
    "manifest.csv": (CSV, damaged_bytes, lambda path: read_manifest(str(path), "out", ".png", SETTINGS)),
    "manifest.jsonl": (LINES, damaged_lines, lambda path: read_manifest(str(path), "out", ".png", SETTINGS)),
    "pairs.csv": (CSV, damaged_bytes, read_pairs),
    "list.csv": (b"path\na.png\nb.png\n", damaged_bytes, find_images),
    "list.txt": (b"a.png\nb.png\n", damaged_bytes, find_images),
    "list.json": (b'["a.png", {"path": "b.png"}]', damaged_json, find_images),
    "list.jsonl": (b'"a.png"\n{"path": "b.png"}\n', damaged_lines, find_images),
}  # fmt: skip
"""Name -> a whole file, how it is damaged, and what reads it."""


def fault_of(read, path) -> str:
    """What is wrong with how a file is read; empty after a result or a `SinctError` of one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            read(path)
        except sinct.SinctError as error:
            line = str(error)
            return "" if line.isprintable() and len(line) < 2000 else f"not one short line: {line[:300]!r}"
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:300]}"
    return ""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_damaged_document_gives_a_result_or_one_line(name, tmp_path):
    data, damage, read = DOCUMENTS[name]
    path = tmp_path / name
    path.write_bytes(data)
    read(path)  # the whole file is right
    faults = set()
    for number in range(300):
        path.write_bytes(damage(data, random.Random(f"{name} {number}")))
        if fault := fault_of(read, path):
            faults.add(f"{number}: {fault}")
    assert not faults, "\n".join(sorted(faults)[:20])


@pytest.mark.parametrize(
    "value", ["1e308", "-1e300", "NaN", "Infinity", "1" + "0" * 400, '"x"', "[1]", "true", "{}"]
)
def test_plot_leaves_out_what_is_no_loss(value, tmp_path):
    run = RunDirectory(tmp_path)
    run.log.write_text(
        f'{{"step": 10, "gan": {value}}}\n{{"step": {value}, "gan": 1}}\n{{"step": 20, "gan": 0.5}}\n'
    )
    run.write_plot([Term("gan", "GAN", "nats")])
    assert run.plot.exists()


@pytest.fixture
def model_file(tmp_path):
    """A small model."""
    model = make_model(sinct.Config(width=4, discriminator_widths=(4, 8, 8), tile_size=16))
    tensors = checkpoint.prefixed("generator", model.generator.state_dict())
    checkpoint.save(tmp_path / "whole.safetensors", "model", tensors, model.description())
    return tmp_path / "whole.safetensors"


def use_model(path):
    """Do what `apply` does."""
    picture = path.parent / "picture.png"
    sinct.apply(path, picture, path.parent / "out.png", overwrite=True, device="cpu")


def test_damaged_model_gives_a_result_or_one_line(model_file, make_picture, tmp_path):
    make_picture("picture.png", 24, 16)
    use_model(model_file)
    faults = []
    for number in range(120):
        write_damaged_checkpoint(model_file, tmp_path / "x.safetensors", random.Random(number))
        if fault := fault_of(use_model, tmp_path / "x.safetensors"):
            faults.append(f"{number}: {fault}")
    assert not faults, "\n".join(faults[:20])


def resigned(path, **changes):
    """Change a model's description, and make its checksum right."""
    stored = checkpoint.load(path)
    write_signed(path, stored.tensors, {**stored.description, **changes})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"generator": {"name": "compact", "width": 1200}}, "width must be a whole number from 1 to"),
        ({"generator": {"name": "stylegan2", "width": 8}}, "has the shape"),
        (
            {"generator": {"name": "resnet", "width": 4, "blocks": 10**9}},
            "blocks must be a whole number from 1 to",
        ),
        ({"generator": {"name": "crisp", "width": 4.0}}, "width must be a whole number"),
        ({"generator": {"name": "crisp", "width": True}}, "width must be a whole number"),
        ({"generator": {"name": "x\ny", "width": 4}}, "unknown generator"),
        ({"generator": ["crisp"]}, "fits its settings"),
        ({"config": 7}, "fits its settings"),
        ({"config": {"ema_decay": 0}}, "mixed_precision"),
        ({"widths": [10, "x"]}, "widths is of another type, str"),
        ({"widths": [0, 0]}, "widths are 0 to 0"),
        ({"facts": {"painting_sha256": [[]]}}, "painting_sha256 is of another type, list"),
        ({"content": {"halvings": 10**6}}, "halvings of the content is out of range"),
        ({"content": {"share": -1.0}}, "share of the content is out of range"),
        ({"content": {"colours": [1.0]}}, "colours of the content is out of range"),
        (
            {"content": {"colours": [0.5] * NUMBERS}},
            "colours of the content is out of range",
        ),  # curves of no width
        ({"content": {"smoothing": float("nan")}}, "smoothing of the content is out of range"),
        ({"content": {"texture": "x"}}, "texture is no number"),
        ({"content": [1]}, "fits its settings"),
    ],
)
def test_model_that_describes_what_it_does_not_hold_is_refused(changes, reason, model_file):
    resigned(model_file, **changes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(sinct.CheckpointError, match=rf"holds no generator .*{reason}"):
        load_model(model_file, "cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_checkpoint_with_deeply_nested_description_is_damaged(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors", metadata={"sinct": DEEP})
    with pytest.raises(sinct.CheckpointError, match=r"is damaged \(it is nested too deeply\)"):
        checkpoint.load(tmp_path / "x.safetensors")


def test_format_with_line_breaks_and_codes_stays_one_line(tmp_path):
    write_signed(tmp_path / "x.safetensors", {}, {"format": "2\n\x1b[31m" + "x" * 1000})
    with pytest.raises(sinct.CheckpointError, match=r"has checkpoint format 2 .x1b\[31mx+, but") as told:
        checkpoint.load(tmp_path / "x.safetensors")
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 600


@pytest.mark.parametrize("length", [0, 1, 7, 2**31, 2**63, 2**64 - 1])
def test_header_of_any_length_is_damaged(length, model_file):
    model_file.write_bytes(length.to_bytes(8, "little") + model_file.read_bytes()[8:])
    with pytest.raises(sinct.CheckpointError, match="is damaged"):
        checkpoint.load(model_file)


# Weights that come with sinct -----------------------------------------------------------------------------


@pytest.mark.parametrize("metadata", [None, {"warm_start": "{"}, {"warm_start": DEEP}, {"warm_start": "[1]"}])
def test_warm_start_that_does_not_say_where_it_comes_from_is_told(metadata, tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "w.safetensors", metadata=metadata)
    with pytest.raises(sinct.WeightsError, match=r"the warm start .* cannot be read"):
        warm_start_facts(tmp_path / "w.safetensors")


@pytest.mark.parametrize("kept", [0, 5, 200])
@pytest.mark.parametrize("read", [warm_start_facts, lambda path: load_warm_start({}, path)])
def test_truncated_warm_start_is_told(read, kept, tmp_path):
    save_file({"x": torch.zeros(100)}, tmp_path / "w", metadata={"warm_start": "{}"})
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:kept])
    with pytest.raises(sinct.WeightsError, match=r"the warm start .* cannot be read"):
        read(tmp_path / "w")


BAD = {
    "whole numbers": lambda tensor: tensor.to(torch.int32),
    "complex numbers": lambda tensor: tensor.to(torch.complex64),
    "not finite": lambda tensor: tensor.float() / 0,
}


@pytest.mark.parametrize("kind", BAD)
def test_weights_that_are_no_finite_floats_are_told(kind, tmp_path):
    save_file({"x": BAD[kind](torch.ones(2))}, tmp_path / "w")
    with pytest.raises(sinct.WeightsError, match=r"the warm start .* no finite weight"):
        load_warm_start({}, tmp_path / "w")
    with pytest.raises(sinct.WeightsError, match=r"the stroke remover .* no finite weight"):
        load_stroke_remover(torch.device("cpu"), tmp_path / "w")


# Training -------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path):
    """A run of version 0.1, which can be resumed."""
    return Path(shutil.copytree(OLD / "run", tmp_path / "run"))


def resume(run):
    changes = {"device": "cpu", "resume": True, "config": None}
    sinct.train(OLD / "painting.png", OLD / "photo.png", run, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"step": None}, {"step": -1}, {"step": "x"}, {"seconds": [1]}, {"seconds": 1e999}, {"best": [1]},
        {"best": [1, 2, 3, 4]}, {"best": 7}, {"recent": 5}, {"recent": [1]}, {"recent": [{"a": "b"}]},
        {"recent": [{"a": 1.0}, {"b": 1.0}]},
    ],
)  # fmt: skip
def test_checkpoint_that_does_not_say_how_far_it_came_is_told(changes, run):
    resigned(run / "checkpoint.safetensors", **changes)
    with pytest.raises(sinct.CheckpointError, match=r"checkpoint.safetensors is damaged \("):
        resume(run)


def test_moments_that_do_not_fit_are_told(run):
    stored = checkpoint.load(run / "checkpoint.safetensors")
    name = next(name for name in stored.tensors if name.endswith("exp_avg"))
    write_signed(run / "checkpoint.safetensors", {**stored.tensors, name: torch.zeros(1)}, stored.description)
    with pytest.raises(sinct.CheckpointError, match="moments do not fit a parameter of the shape"):
        resume(run)


# Batches and comparisons ----------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path):
    """A ledger with one job that is done."""
    path = tmp_path / "ledger.sqlite"
    with closing(Ledger(path)) as made:
        made.plan([JOB])
        made.save(
            Entry(JOB, State.done, 1, "key", None, warnings=("x",), figures={"steps": 4, "seconds": 1.5})
        )
    return path


@pytest.mark.parametrize(
    "value", [None, 7, -1.5, "x", b"\xff\xfe", "[1]", "{}", "null", "[" * 100_000, '"\\ud800"', 10**18]
)
def test_strange_value_in_any_column_of_a_ledger_gives_a_result_or_one_line(value, ledger):
    faults = []
    with sqlite3.connect(ledger) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(jobs)")]
        database.execute("PRAGMA ignore_check_constraints = ON")
        [whole] = database.execute("SELECT * FROM jobs").fetchall()
        for column in columns:
            try:
                database.execute(f"UPDATE jobs SET {column} = ?", (value,))
            except sqlite3.IntegrityError:
                continue
            database.commit()
            if fault := fault_of(lambda path: write_batch_report(path.parent, read_entries(path)), ledger):
                faults.append(f"{column}: {fault}")
            database.execute("DELETE FROM jobs")
            database.execute(f"INSERT INTO jobs VALUES ({', '.join('?' * len(whole))})", whole)
    assert not faults, "\n".join(faults)


def test_damaged_ledger_gives_a_result_or_one_line(ledger):
    whole, faults = ledger.read_bytes(), []
    for number in range(200):
        for other in ledger.parent.glob("ledger.sqlite-*"):
            other.unlink()
        ledger.write_bytes(damaged_bytes(whole, random.Random(number)))
        if fault := fault_of(read_entries, ledger):
            faults.append(f"{number}: {fault}")
    assert not faults, "\n".join(faults[:20])


def test_ledger_with_code_that_runs_for_ever_is_refused(ledger):
    with sqlite3.connect(ledger) as database:
        database.executescript(
            "DROP TABLE jobs; CREATE VIEW jobs AS WITH RECURSIVE n(listed, position) AS "
            "(SELECT 1, 1 UNION ALL SELECT 1, position + 1 FROM n) SELECT * FROM n;"
        )
    with pytest.raises(sinct.InputError, match=r"is damaged or not a ledger \(it has views or triggers\)"):
        read_entries(ledger)


@pytest.mark.parametrize("text", ["", "{", DEEP, "[1]", "null"])
def test_damaged_request_or_outcome_of_a_method_is_made_anew(text, tmp_path):
    for file in ("request.json", "outcome.json"):
        (tmp_path / "m").mkdir(exist_ok=True)
        (tmp_path / "m" / file).write_text(text)
    how = {"isolate": False, "report": lambda share: None, "should_stop": lambda: True}
    with pytest.raises(sinct.Interrupted):
        outcome_of(REQUEST, tmp_path / "m", **how)
