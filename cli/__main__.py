"""`python -m sinct_cli`."""

from .main import run

run()
