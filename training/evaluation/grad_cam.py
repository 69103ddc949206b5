"""Heat maps: which places of a photograph speak for a class (Grad-CAM, Selvaraju et al. 2017)."""

import keras
import numpy as np

from embeddings.arrays import Floats, Labels, Pixels
from training.models.networks import EMBEDDING, POOLED, PROBABILITIES

_BATCH = 32


def grad_cam(network: keras.Model, pixels: Pixels, classes: Labels) -> Floats:
    """Heat of each place for the class asked about, 0-1, of shape (n, rows, columns).

    Takes uint8 pixels of shape (n, height, width, 3) and a class number each. Behind the last map
    of features there are only its mean and two dense layers, so the gradient that Grad-CAM weights
    the features with is written down instead of differentiated.
    """
    pooling = network.get_layer(POOLED)
    embedding = network.get_layer(EMBEDDING)
    looking = keras.Model(network.input, [pooling.input, embedding.output])
    maps, hidden = looking.predict(pixels, batch_size=_BATCH, verbose=0)
    gradients = network.get_layer(PROBABILITIES).get_weights()[0].T[classes]
    if embedding.get_weights():
        gradients = (gradients * (hidden > 0)) @ embedding.get_weights()[0].T
    heat = np.maximum(np.einsum("nhwc,nc->nhw", maps, gradients), 0)
    strongest = heat.max(axis=(1, 2), keepdims=True)
    scaled: Floats = np.divide(heat, strongest, out=np.zeros_like(heat), where=strongest > 0)
    return scaled
