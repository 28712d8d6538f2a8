"""Features of earlier images, as negatives for PatchNCE."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.losses.precision import full_precision

SIZE = 16_384
"""Vectors in each depth's bank (Park et al. 2020, appendix C.1)."""

MOMENTUM = 0.999
"""What the encoder of the keys keeps of itself at each step; give it to `update_average` as the decay."""


class MemoryBank(nn.Module):
    """The newest features of one depth, first in, first out; random unit vectors until it has been filled once.

    Args:
        dimensions: size of a vector.
        size: how many vectors it holds.

    Attributes:
        vectors: (size, dimensions), float32; a buffer, so part of checkpoints.
        oldest: the row that is overwritten next; a buffer.

    He et al. 2020 (arXiv:1911.05722), section 3.2; the sizes are those of Park et al. 2020 (arXiv:2007.15651),
    appendix C.1.
    """

    vectors: Tensor
    oldest: Tensor

    def __init__(self, dimensions: int = 256, size: int = SIZE) -> None:
        super().__init__()
        self.register_buffer("vectors", F.normalize(torch.randn(size, dimensions), dim=1))
        self.register_buffer("oldest", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Overwrite the oldest vectors, at the end of a step: an image is no negative of itself.

        The tensor is replaced, so that losses computed with the earlier one can still be differentiated.

        Args:
            keys: (N, dimensions), unit length; of more than fit, the last.

        Raises:
            ValueError: the vectors have another size.
        """
        size, dimensions = self.vectors.shape
        if keys.ndim != 2 or keys.shape[1] != dimensions:
            raise ValueError(
                f"keys {tuple(keys.shape)} do not fit a bank of {dimensions} dimensions; give (N, {dimensions})"
            )
        skipped = max(len(keys) - size, 0)
        # The place is counted on the device, which nobody has to wait for.
        places = (self.oldest + torch.arange(skipped, len(keys), device=keys.device)) % size
        self.vectors = self.vectors.index_copy(
            0, places, full_precision(keys[skipped:]).to(self.vectors.dtype)
        )
        self.oldest = (self.oldest + len(keys)) % size
