"""STROTSS: style transfer by relaxed optimal transport and self-similarity.

Kolkin, Salavon and Shakhnarovich 2019 (arXiv:1904.12785). The picture is optimised from coarse to fine. Its
features are to be distributed like those of the photo, and as similar to each other as those of the painting.
In this package "the code" is what the authors published (github.com/nkolkin13/STROTSS); it is mentioned where it
adds to the paper or differs from it.
"""

from sinct.comparison.methods.strotss.method import METHOD

__all__ = ["METHOD"]
