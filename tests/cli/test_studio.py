"""The command that opens the studio."""

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.support.batch_example import make_entry
from tests.support.studio_batch import write_ledger


@pytest.fixture
def addresses(monkeypatch):
    """The addresses that the browser would open, of a studio that isn't served."""
    found: list[str] = []
    monkeypatch.setattr("webbrowser.open", found.append)
    monkeypatch.setattr(
        "sinct.studio.serve", lambda studio, port, opened: opened("http://127.0.0.1:1/?token=t")
    )
    return found


def test_a_batchs_folder_opens_at_its_jobs_and_any_other_at_the_form(addresses, tmp_path):
    write_ledger(tmp_path / "out", [make_entry("a", output="a.png")])
    (tmp_path / "out" / "a.sinct").mkdir()
    (tmp_path / "out" / "a.sinct" / "config.json").write_text("{}")
    for place in (tmp_path, tmp_path / "out", tmp_path / "out" / "a.sinct"):
        assert CliRunner().invoke(app, ["studio", str(place)]).exit_code == 0
    base = "http://127.0.0.1:1/?token=t"
    assert addresses == [base, f"{base}&page=batch", f"{base}#a.sinct"]
