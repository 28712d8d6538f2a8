"""Picture files to tensors (3, H, W) in [-1, 1] and back, whole or in rows, with their colours, EXIF data and alpha.

`picture` reads and writes whole files, `rows` and `rows_to_file` those too large for memory; `opening` chooses.
`windows` cuts pictures into pieces that a generator takes one at a time.
"""
