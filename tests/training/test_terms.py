import math

import pytest

import sinct
from sinct.training.plot import draw_losses, what_happened
from sinct.training.run_directory import RunDirectory
from sinct.training.terms import Term, in_short

TERMS = (
    Term("adversarial_d", "Discriminator", "nats", "D"),
    Term("r1", "R1", "squared gradient norm", interval=4),
    Term("cycle", "Cycle", "L1 on [-1, 1]", "cycle", digits=3),
)


def test_term_is_due_at_every_interval():
    assert [step for step in range(9) if TERMS[1].is_due(step)] == [0, 4, 8]


def test_progress_line_shows_the_terms_that_have_a_short_name():
    values = {"adversarial_d": 1.386, "r1": math.nan, "cycle": 0.25}
    assert in_short(TERMS, values) == "D 1.39 cycle 0.250"


def test_plot_has_a_panel_with_label_and_unit_for_each_term():
    entries = [
        {"step": 10, "adversarial_d": 1.4, "r1": None, "cycle": 0.5},
        {"step": 20, "adversarial_d": 1.2, "cycle": 0.4},
    ]
    figure = draw_losses(entries, TERMS)
    assert figure is not None
    titles = [(panel.get_title("left"), panel.get_ylabel()) for panel in figure.axes if panel.axison]
    assert titles == [("Discriminator", "nats"), ("Cycle", "L1 on [-1, 1]")]
    (line,) = figure.axes[1].lines
    assert line.get_xydata().tolist() == [[10, 0.5], [20, 0.4]]


def test_log_without_any_term_is_not_drawn():
    assert draw_losses([{"step": 10, "other": 1.0}], TERMS) is None


LOG = [
    {"step": 10, "learning_rate": 0.002, "adversarial_d": 1.4},
    {"step": 20, "learning_rate": 0.002, "adversarial_d": 1.3},
    {"step": 30, "learning_rate": 0.001, "adversarial_d": 1.2, "resumed": 24},
    {"step": 40, "learning_rate": 0.0005, "adversarial_d": 1.1, "resumed": 35},
]


@pytest.mark.parametrize(
    ("entries", "best", "marks"),
    [
        (
            LOG,
            36,
            {"the best state": (36,), "from here on, the learning rate falls": (20,), "resumed": (24, 35)},
        ),
        (LOG[:2], None, {}),
        ([{"step": 10, "adversarial_d": 1.4}] * 2, 8, {"the best state": (8,)}),  # of an earlier version
        ([{**LOG[0], "resumed": "no", "learning_rate": None}] * 2, None, {}),
    ],
)
def test_marks_are_what_the_log_tells(entries, best, marks):
    found = {mark.text.partition(", which")[0]: mark.steps for mark in what_happened(entries, best)}
    assert found == marks


def test_every_panel_has_the_marks_and_the_plot_says_once_what_they_are():
    figure = draw_losses([{**entry, "cycle": 0.5} for entry in LOG], TERMS, 36)
    for panel in (panel for panel in figure.axes if panel.axison):
        assert sorted(line.get_xdata()[0] for line in panel.lines[:-1]) == [20, 24, 35, 36]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "the best state, which is kept (step 36)",
        "from here on, the learning rate falls (step 20)",
        "resumed (steps 24, 35)",
    ]


def test_a_term_that_is_switched_off_has_no_panel():
    entries = [{"step": step, "adversarial_d": 1.4, "r1": 0.0, "cycle": 0.5} for step in (10, 20)]
    figure = draw_losses(entries, TERMS)
    assert [panel.get_title("left") for panel in figure.axes if panel.axison] == ["Discriminator", "Cycle"]
    assert draw_losses([{"step": 10, "r1": 0.0}], TERMS) is None


def test_panel_says_in_plain_words_what_its_values_mean():
    term = Term("adversarial_d", "Discriminator", "nats", meaning="lower: it tells them apart")
    (panel,) = (panel for panel in draw_losses(LOG, [term]).axes if panel.axison)
    assert [text.get_text() for text in panel.texts] == ["lower: it tells them apart"]


def test_log_tells_the_learning_rate_and_where_a_run_was_resumed(make_picture, tiny, tmp_path):
    pair = make_picture("a.png"), make_picture("b.png", seed=1)
    asked = iter([False] * 12)
    config = tiny.replace(steps=30, rate_epochs=0, rate_constant=0.5, learning_rate=0.002)
    sinct.train(*pair, tmp_path, config=config, should_stop=lambda: next(asked, True), device="cpu")
    sinct.train(*pair, tmp_path, resume=True, device="cpu")
    log = RunDirectory(tmp_path).read_log()
    assert [entry["learning_rate"] for entry in log] == [
        0.002,
        pytest.approx(0.00146667),
        pytest.approx(0.000133333),
    ]
    assert [entry.get("resumed") for entry in log] == [None, 12, None]
