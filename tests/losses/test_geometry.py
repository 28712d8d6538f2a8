"""Geometry consistency against slow loops."""

import pytest
import torch
from torch import Tensor

from sinct.losses.geometry import GEOMETRIES, geometry_loss


def slow_turn(picture: Tensor, name: str) -> Tensor:
    """A square picture turned, pixel by pixel."""
    side = picture.shape[-1]
    turned = torch.empty_like(picture)
    for row in range(side):
        for column in range(side):
            # Clockwise, what was in the first row is in the last column; flipped, in the last row.
            place = (column, side - 1 - row) if name == "rotation" else (side - 1 - row, column)
            turned[..., place[0], place[1]] = picture[..., row, column]
    return turned


@pytest.mark.parametrize("name", GEOMETRIES)
def test_pictures_are_turned_as_named(name):
    picture = torch.rand(2, 3, 5, 5)
    assert GEOMETRIES[name].turned(picture).equal(slow_turn(picture, name))


@pytest.mark.parametrize("name", GEOMETRIES)
def test_turning_back_undoes_it(name):
    picture = torch.rand(2, 3, 5, 5)
    assert GEOMETRIES[name].back(GEOMETRIES[name].turned(picture)).equal(picture)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_loss_is_twice_the_mean_difference_between_turned_pictures(name):
    made, of_turned = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    expected = 2 * (slow_turn(made, name) - of_turned).abs().sum() / made.numel()
    torch.testing.assert_close(geometry_loss(made, of_turned, GEOMETRIES[name]), expected)


@pytest.mark.parametrize(("name", "value"), [("rotation", 1.6812055493), ("flip", 1.4312127692)])
def test_reference_values_of_the_methods_readme(name, value):
    numbers = torch.arange(1, 49, dtype=torch.float64).view(1, 3, 4, 4)
    loss = geometry_loss(numbers.sin(), numbers.cos(), GEOMETRIES[name])
    assert float(loss) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_loss_is_zero_for_what_commutes_with_the_turn(name):
    made = torch.rand(1, 3, 4, 4)
    assert geometry_loss(made, slow_turn(made, name), GEOMETRIES[name]) == 0


@pytest.mark.parametrize("name", GEOMETRIES)
def test_each_generator_follows_the_others_picture_which_gets_no_gradient(name):
    """So a picture's gradient comes from one of the two differences, 1/n a pixel and not 2/n."""
    made, of_turned = (torch.rand(1, 3, 4, 4, requires_grad=True) for _ in range(2))
    geometry_loss(made, of_turned, GEOMETRIES[name]).backward()
    above = (slow_turn(made.detach(), name) > of_turned.detach()).float() * 2 - 1
    torch.testing.assert_close(of_turned.grad, -above / made.numel())
    torch.testing.assert_close(slow_turn(made.grad, name), above / made.numel())
