"""GPNN: every patch of the picture is replaced by a near one of the photo, coarse to fine.

The nearest are followed by PatchMatch (Barnes et al. 2009, doi:10.1145/1531326.1531330): each patch keeps
the best of what it had, what its neighbours' finds suggest, and random tries around it. At the first
iteration of the coarsest level they are exact if the pictures have 5e8 pairs of patches there or fewer;
otherwise they begin by chance.
"""

from sinct.comparison.methods.gpnn.method import METHOD

__all__ = ["METHOD"]
