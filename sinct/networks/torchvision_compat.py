"""Import torchvision even where its compiled operators do not fit the installed torch.

A CPU build of torch is often installed beside torchvision's CUDA build, the only one on the package registry.
Its operators then fail to load, and the import ends in "operator torchvision::nms does not exist", although
models and transforms need none of them. Declaring the two schemas that the import looks for makes it succeed;
calling the operators themselves still fails, as it should.
"""

from types import ModuleType

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_torchvision() -> ModuleType:
    """Import torchvision; only where that fails for missing operators, declare them and try again."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", _SCHEMA)
        import torchvision
    return torchvision  # type: ignore[no-any-return]
