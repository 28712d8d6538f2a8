"""Fuzzing: damaged files of every kind must give a result or a SinctError, in bounded time and memory.

A number stands for a damaged file. `python -m tests.support.fuzzing SECONDS` reads new ones as long as asked;
`python -m tests.support.fuzzing replay KIND NUMBER FILE` writes one to a file.
"""
