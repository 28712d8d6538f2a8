"""Turn one painting into a photo-like picture with the look of one reference photo.

`translate` does the whole job, `train` and `apply` its halves; `compare` runs other methods beside it, and
`evaluate` measures pictures. Pictures are files; everything below works
on tensors (3, H, W) in [-1, 1]. The library prints nothing: progress comes by callback, trouble as
`SinctError`.

The public names are listed in `__init__.pyi`. Each is imported when it is first asked for, since torch takes seconds
and `sinct --help` must not.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
