"""Turns picture files into tensors (3, H, W) in [-1, 1] and back, with their colours, EXIF data and alpha.

`picture` reads and writes whole files, `rows` and `rows_to_file` those too large for memory; `opening` chooses
between them. `windows` divides a picture into pieces that a generator takes one at a time.
"""
