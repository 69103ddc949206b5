"""Heat maps of the regions that support a class (Grad-CAM, Selvaraju et al. 2017)."""

import keras
import numpy as np

from embeddings.arrays import Floats, Labels, Pixels
from training.models.heads import EMBEDDING, POOLED, PROBABILITIES

_BATCH = 32


def grad_cam(network: keras.Model, pixels: Pixels, classes: Labels) -> Floats:
    """Return heat maps for the given classes, 0-1, of shape (n, rows, columns).

    Takes uint8 pixels of shape (n, height, width, 3) and a class number for each image. Only a mean
    and two dense layers follow the last feature map, so the gradient has a closed form.
    """
    pooling = network.get_layer(POOLED)
    embedding = network.get_layer(EMBEDDING)
    model = keras.Model(network.input, [pooling.input, embedding.output])
    maps, hidden = model.predict(pixels, batch_size=_BATCH, verbose=0)
    gradients = network.get_layer(PROBABILITIES).get_weights()[0].T[classes]
    if embedding.get_weights():
        gradients = (gradients * (hidden > 0)) @ embedding.get_weights()[0].T
    heat = np.maximum(np.einsum("nhwc,nc->nhw", maps, gradients), 0)
    strongest = heat.max(axis=(1, 2), keepdims=True)
    scaled: Floats = np.divide(heat, strongest, out=np.zeros_like(heat), where=strongest > 0)
    return scaled
