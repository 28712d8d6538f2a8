"""STROTSS: style transfer by relaxed optimal transport and self-similarity.

Kolkin, Salavon and Shakhnarovich 2019 (arXiv:1904.12785). The picture is optimised from coarse to fine. Its
features shall be those of the photo as a distribution, and as similar to each other as those of the painting
are. Here "code" is what the authors published (github.com/nkolkin13/STROTSS), where it says more than the
paper or something else.
"""

from sinct.comparison.methods.strotss.method import METHOD

__all__ = ["METHOD"]
