"""What went wrong, in a few lines."""

from sinct.batch.digest import failures, flaws
from sinct.batch.ledger import State
from tests.support.batch_example import make_entry


def done(name, *warnings):
    return make_entry(name, state=State.done, warnings=warnings)


def failed(name, error):
    return make_entry(name, state=State.failed, error=error)


def test_alike_flaws_are_one_line_without_figures_and_advice():
    entries = [
        done("sea", "25% of the picture is blown out to white; try another `seed`"),
        done("dune", "7.5% of the picture is blown out to white; try another `seed`"),
    ]
    assert flaws(entries) == ["sea and dune: …% of the picture is blown out to white"]


def test_the_most_frequent_flaw_comes_first_and_many_jobs_are_counted():
    entries = [done("odd", "rare"), *(done(name, "frequent") for name in "abcde")]
    assert flaws(entries) == ["a, b, c and 2 more: frequent", "odd: rare"]


def test_only_finished_pictures_have_flaws_and_only_failed_jobs_reasons():
    entries = [make_entry("later", warnings=("old",)), failed("sea", "a.png is empty"), done("dune")]
    assert flaws(entries) == []
    assert failures(entries) == ["sea: a.png is empty"]


def test_jobs_that_fail_for_one_reason_are_one_line():
    entries = [failed(name, "photo 2.png is empty") for name in ("sea", "dune")]
    assert failures(entries) == ["sea and dune: photo 2.png is empty"]
