import torch

from benchmarks.winograd import convolution, library


def test_the_result_and_both_gradients_are_the_librarys():
    random = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 8, 6, dtype=torch.float64, generator=random).requires_grad_()
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64, generator=random).requires_grad_()
    ours, theirs = convolution(maps, weight), library(maps, weight)
    torch.testing.assert_close(ours, theirs)
    gradient = torch.randn_like(theirs)
    for mine, wanted in zip(
        *(torch.autograd.grad(each, (maps, weight), gradient) for each in (ours, theirs)), strict=True
    ):
        torch.testing.assert_close(mine, wanted)
