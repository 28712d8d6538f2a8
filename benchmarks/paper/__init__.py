"""The tables of Park et al. 2020 (arXiv:2007.15651) as data and commands: `python -m benchmarks.paper`."""
