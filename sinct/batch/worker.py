"""Runs one job in its own process: `python -m sinct.batch.worker`, see `sinct.runtime.processes`."""

from sinct.batch.jobs import Request
from sinct.batch.perform import perform
from sinct.runtime.processes import serve

if __name__ == "__main__":
    serve(
        lambda request, report, should_stop: perform(
            Request.from_json(request), report=report, should_stop=should_stop
        ).to_json()
    )
