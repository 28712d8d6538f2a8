"""What a person sees while a command works."""

import io
import re

import pytest
from rich.console import Console
from sinct_cli import bars, display
from sinct_cli.opening import described, of_training

import sinct
from sinct.batch.progress import Progress as BatchProgress
from sinct.comparison.stage import Stage
from sinct.errors import Remark
from sinct.training.terms import Term
from tests.cli.test_cli import TINY, pair, sinct_command  # noqa: F401

TERMS = (Term("adversarial_d", "Discriminator", "nats", "D"), Term("nce", "PatchNCE", "nats", "NCE"))


def event(step=30, steps=100, **more):
    fraction = step / steps if steps else 0.3
    how = {"seconds": 60.0, "fraction": fraction, "rate": 0.37, "remaining": 5000.0, **more}
    return sinct.Progress(
        step=step, steps=steps, losses={"adversarial_d": 0.69, "nce": 4.1}, terms=TERMS, **how
    )


@pytest.fixture
def terminal(monkeypatch):
    """Make messages go to a terminal of a width; returns what is on it."""

    def of(width):
        console = Console(
            file=io.StringIO(), force_terminal=True, width=width, markup=False, soft_wrap=True, color_system=None
        )  # fmt: skip
        monkeypatch.setattr(display, "err", console)
        return console.file

    return of


def row(bar):
    """The lines that a display shows now, as text."""
    console = Console(file=io.StringIO(), width=display.err.width, color_system=None)
    console.print(bar.bar.get_renderable())
    return console.file.getvalue().rstrip("\n")


@pytest.mark.parametrize("option", ["--steps=2", "--time=30s"])
def test_training_opens_with_what_it_does_and_where_it_can_be_watched(pair, tmp_path, option):  # noqa: F811
    limit = ["--set=patience=0", "--steps=2"] if option.startswith("--time") else []
    _, _, err = sinct_command("translate", *pair, "-o", tmp_path / "out.png", option, *limit, *TINY)
    lines = err.splitlines()
    length = {"--steps=2": "2 steps; the first will tell how long they take"}
    assert lines[0] == (
        "painting.png (60x45 px), with the look of photo.png (64x50 px): standard, "
        + length.get(option, "2 steps, at most 30 seconds")
    )
    assert lines[1] == f"preview: {tmp_path / 'out.sinct' / 'preview.png'}"


def test_what_is_prepared_is_named_before_the_first_step(pair, tmp_path):  # noqa: F811
    _, _, err = sinct_command("translate", *pair, "-o", tmp_path / "out.png", "--steps=6", *TINY)
    lines = err.splitlines()
    told = lines.index("taking strokes out of the painting"), lines.index("taking the first steps")
    first = next(number for number, line in enumerate(lines) if "on this machine" in line)
    assert told[0] < told[1] < first


def test_a_resumed_training_whose_steps_are_done_or_whose_time_is_limited_says_so(pair, tmp_path):  # noqa: F811
    command = ["train", *pair, "--run-dir", tmp_path, *TINY]
    sinct_command(*command, "--steps=10")
    _, _, err = sinct_command(*command, "--resume")
    assert re.search(r": standard, all 10 steps are done$", err, re.M)
    _, _, err = sinct_command(*command, "--resume", "--steps=12", "--time=2h")
    assert re.search(r"on to 12, about .* at the pace so far, at most 2 hours with what is done$", err, re.M)


def test_resumed_training_opens_with_the_step_it_goes_on_from(pair, tmp_path):  # noqa: F811
    command = ["train", *pair, "--run-dir", tmp_path / "run"]
    sinct_command(*command, "--steps=10", *TINY)
    _, _, err = sinct_command(*command, "--resume", "--steps=12")
    assert re.search(r": standard, from step 10 on to 12, about \d+ seconds? at the pace so far$", err, re.M)


def test_picture_without_a_readable_header_is_described_by_its_name(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    assert described(tmp_path / "a.png") == "a.png"


def test_several_pictures_are_counted(make_picture, tmp_path, tiny):
    files = [make_picture(f"{number}.png") for number in range(3)]
    lines = of_training(files[:2], files[2:], "draft", tiny, tmp_path, resume=False)
    assert lines[0].startswith("2 paintings, with the look of 2.png (60x45 px): draft, ")


def test_losses_are_shown_by_name_only_where_they_are_wanted(terminal):
    terminal(80)
    plain, full = (bars.TrainingDisplay(quiet=False, verbose=verbose) for verbose in (False, True))
    assert plain.figures(event()) == "step 30 of 100, 2.7 s/step, taking shape"
    assert full.figures(event()) == "step 30 2.7 s/step D 0.69 NCE 4.10"


@pytest.mark.parametrize(
    ("fraction", "troubled", "words"),
    [
        (0.1, False, "just begun"),
        (0.5, False, "taking shape"),
        (0.8, False, "settling"),
        (0.8, True, "see the warning"),
    ],
)
def test_how_a_training_goes_in_words(fraction, troubled, words):
    assert bars.in_words(fraction, troubled=troubled) == words


def test_warning_changes_the_word(terminal):
    terminal(80)
    bar = bars.TrainingDisplay(quiet=False)
    bar(event(warnings=(Remark("flat", "the output has collapsed"),)))
    bar(event(step=40))
    assert "see the warning" in row(bar)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("steps", [250, None])
def test_bar_fits_the_terminal_in_one_line(width, verbose, steps, terminal):
    terminal(width)
    bar = bars.TrainingDisplay(quiet=False, verbose=verbose)
    for text in ("preparing the pictures", "making a painted photo to learn from"):
        bar.prepare(text)
        assert text in row(bar)
        assert max(map(len, row(bar).splitlines())) <= width
    bar(event(step=130, steps=steps))
    line = row(bar)
    assert "step 130" in line
    assert "left" in line
    assert "…" not in line
    assert len(line.splitlines()) == 1
    assert len(line.rstrip()) <= width


@pytest.mark.parametrize(
    ("fraction", "remaining", "passed", "then"),
    [
        (0.0, 100.0, 25.0, 0.25),
        (0.5, 100.0, 50.0, 0.75),
        (0.5, 10.0, 60.0, 0.99),  # late: it waits just before the end
        (1.0, 0.0, 60.0, 1.0),
        (0.995, 1.0, 5.0, 0.995),  # it never goes back
    ],
)
def test_bar_moves_between_two_reports(fraction, remaining, passed, then):
    assert bars.moved(fraction, remaining, passed) == pytest.approx(then)


def test_training_limited_by_time_knows_its_share_between_reports(terminal, monkeypatch):
    terminal(80)
    now = [100.0]
    monkeypatch.setattr(bars.time, "monotonic", lambda: now[0])
    bar = bars.TrainingDisplay(quiet=False)
    bar(event(step=3, steps=None, fraction=0.1, remaining=90.0))
    now[0] += 45.0
    assert " 55%" in row(bar)
    assert "0:45 left" in row(bar)


@pytest.mark.parametrize("tell", [display.remark, display.warn, display.fail])
def test_messages_end_their_lines_with_words_on_a_terminal(tell, terminal):
    text = (
        "the discriminator has won, so the picture no longer changes; give another preset or a larger weight"
    )
    screen = terminal(40)
    tell(text)
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(lines).split()).endswith(text)


def test_messages_are_one_line_elsewhere(monkeypatch):
    console = Console(file=io.StringIO(), width=40, soft_wrap=True, markup=False)
    monkeypatch.setattr(display, "err", console)
    display.warn("word " * 30)
    assert console.file.getvalue().count("\n") == 1


@pytest.mark.parametrize("width", [40, 80])
def test_bars_of_a_comparison_and_a_batch_fit_and_cut_nothing(width, terminal):
    terminal(width)
    stages = bars.StageDisplay(quiet=False)
    stages(Stage("colour_transfer-seed-2", 2, 14, 0.5, pair="monet--etretat"))
    batch = bars.BatchDisplay(quiet=False)
    batch(BatchProgress(120, 17, 3, {"scan-of-a-monet-007": (0.5, 900.0)}, 40000.0))
    for text in map(row, (stages, batch)):
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
    assert all(word in row(stages) for word in ("monet--etretat:", "colour_transfer-seed-2", "14)", "50%"))
    assert all(word in row(batch) for word in ("17 of", "3 failed", "15:00 left", "11:06:40 left", "50%"))
    assert all(part in row(batch) for part in ("scan-of-a-", "monet-007"))  # a name may break at a hyphen
