"""What still holds and what is left to do."""


from sinct.batch.coordinator import run_batch
from sinct.batch.ledger import State
from sinct.batch.staleness import preview
from tests.support.batch_fake import Fake, failing


def test_preview_changes_nothing_and_says_what_is_left(collection, out, make_picture):
    assert {entry.state for entry in preview(collection(), out)} == {State.waiting}
    assert not out.exists()
    run_batch(collection(), out, Fake({"p0": [failing()]}))
    make_picture("paintings/p1.png", seed=3)
    found = [entry.state.value for entry in preview(collection(), out)]
    assert found == ["failed", "waiting", "done"]
