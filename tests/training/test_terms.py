import math

from sinct.training.plot import draw_losses
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
    titles = [(panel.get_title(), panel.get_ylabel()) for panel in figure.axes if panel.axison]
    assert titles == [("Discriminator", "nats"), ("Cycle", "L1 on [-1, 1]")]
    (line,) = figure.axes[2].lines
    assert line.get_xydata().tolist() == [[10, 0.5], [20, 0.4]]


def test_log_without_any_term_is_not_drawn():
    assert draw_losses([{"step": 10, "other": 1.0}], TERMS) is None
