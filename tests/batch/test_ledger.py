"""The ledger of a batch."""

import sqlite3

import pytest

import sinct
from sinct.batch.coordinator import run_batch
from sinct.batch.ledger import Ledger, ledger_path, read_entries
from tests.support.batch_fake import Fake


def test_damaged_or_foreign_ledger_is_told(collection, out):
    run_batch(collection(), out, Fake())
    with sqlite3.connect(ledger_path(out)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(sinct.InputError, match="ledger of version 99"):
        Ledger(ledger_path(out))
    for file in (out / ".sinct").glob("ledger.sqlite*"):
        file.unlink()
    ledger_path(out).write_bytes(b"no database at all" * 100)
    with pytest.raises(sinct.InputError, match="no ledger or damaged"):
        run_batch(collection(), out, Fake())


def test_folder_without_a_batch_is_told(tmp_path):
    with pytest.raises(sinct.InputError, match="holds no batch"):
        read_entries(ledger_path(tmp_path))
