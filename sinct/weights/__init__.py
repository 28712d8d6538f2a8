"""Pretrained weights that some methods and measures need: which there are, and where they lie on the disk.

`registry` lists them with their sources and checksums; `store` downloads, checks and loads them.
"""
