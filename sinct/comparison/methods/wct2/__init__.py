"""WCT²: one pass through an autoencoder that gives the painting's features the photo's statistics.

Yoo et al. 2019 (arXiv:1903.09760): VGG-19 up to conv4_1 with Haar wavelet pooling, a mirrored decoder that
also gets the wavelet's high bands and the features before pooling ("cat5"), and in between the whitening and
colouring of Li et al. 2017 (arXiv:1705.08086). Layers, names and constants are those of the authors'
repository, so that its weights for four levels load: `wave_encoder_cat5_l4.pth` and `wave_decoder_cat5_l4.pth`.
"""

from sinct.comparison.methods.wct2.method import METHOD

__all__ = ["METHOD"]
