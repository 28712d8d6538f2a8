"""Turn one painting into a photo-like picture with the look of one reference photo.

`translate` does the whole job, `train` and `apply` do half of it each; `compare` runs other methods beside it, and
`evaluate` measures pictures. These functions take picture files; everything below them works on tensors (3, H, W)
in [-1, 1]. The library prints nothing: it reports progress through callbacks and failures as `SinctError`.

The public names are listed in `__init__.pyi`. Each is imported on first use, because torch takes seconds to import
and `sinct --help` should not.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
