"""The classes of street scenes that Cityscapes evaluates, and the ids of its label maps that belong to them.

Cordts et al. 2016 (arXiv:1604.01685), section 3, and their table of labels (github.com/mcordts/cityscapesScripts, MIT).
Ids that are not listed, such as 0 for unlabelled and 4 for static things, are of no class.
"""

from typing import NamedTuple

IGNORED = 255
"""Stands for pixels of no class, in label maps with numbers of classes."""


class StreetClass(NamedTuple):
    """A class; its number is its place in the table.

    Attributes:
        name: its name.
        label: its id in `*_gtFine_labelIds.png`.
        colour: its colour in `*_gtFine_color.png`, red, green and blue.
    """

    name: str
    label: int
    colour: tuple[int, int, int]


STREET_CLASSES = (
    StreetClass("road", 7, (128, 64, 128)),
    StreetClass("sidewalk", 8, (244, 35, 232)),
    StreetClass("building", 11, (70, 70, 70)),
    StreetClass("wall", 12, (102, 102, 156)),
    StreetClass("fence", 13, (190, 153, 153)),
    StreetClass("pole", 17, (153, 153, 153)),
    StreetClass("traffic light", 19, (250, 170, 30)),
    StreetClass("traffic sign", 20, (220, 220, 0)),
    StreetClass("vegetation", 21, (107, 142, 35)),
    StreetClass("terrain", 22, (152, 251, 152)),
    StreetClass("sky", 23, (70, 130, 180)),
    StreetClass("person", 24, (220, 20, 60)),
    StreetClass("rider", 25, (255, 0, 0)),
    StreetClass("car", 26, (0, 0, 142)),
    StreetClass("truck", 27, (0, 0, 70)),
    StreetClass("bus", 28, (0, 60, 100)),
    StreetClass("train", 31, (0, 80, 100)),
    StreetClass("motorcycle", 32, (0, 0, 230)),
    StreetClass("bicycle", 33, (119, 11, 32)),
)
"""The nineteen, in the order of their numbers."""

HIGHEST_LABEL = 33
"""Highest id in label maps; -1, a licence plate, is not stored."""
