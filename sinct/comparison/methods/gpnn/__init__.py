"""GPNN: replaces every patch of the picture by a similar one from the photo, from coarse to fine.

PatchMatch keeps track of the nearest patches (Barnes et al. 2009, doi:10.1145/1531326.1531330): each patch takes
the best of its previous match, what its neighbours' matches suggest, and random tries around it. At the first
iteration of the coarsest level the matches are exact if the pictures have at most 5e8 pairs of patches there;
otherwise they start at random.
"""

from sinct.comparison.methods.gpnn.method import METHOD

__all__ = ["METHOD"]
