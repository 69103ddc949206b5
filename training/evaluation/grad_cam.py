"""Heat maps of the regions that support a class (Grad-CAM, Selvaraju et al. 2017)."""

import keras
import numpy as np

from embeddings.arrays import Floats, Labels, Pixels
from training.models.heads import EMBEDDING, POOLED, PROBABILITIES, PROJECTION

_BATCH = 32


def grad_cam(network: keras.Model, pixels: Pixels, classes: Labels) -> Floats:
    """Return heat maps for the given classes, 0-1, of shape (n, rows, columns).

    Takes uint8 pixels of shape (n, height, width, 3) and a class number for each image. Only a mean
    and a head follow the last feature map, so the gradient has a closed form.
    """
    pooled, embedding = network.get_layer(POOLED), network.get_layer(EMBEDDING)
    model = keras.Model(network.input, [pooled.input, embedding.output])
    maps, embeddings = model.predict(pixels, batch_size=_BATCH, verbose=0)
    by_embedding = network.get_layer(PROBABILITIES).get_weights()[0].T[classes]
    gradients = _by_features(network, embeddings, by_embedding)
    heat = np.maximum(np.einsum("nhwc,nc->nhw", maps, gradients), 0)
    strongest = heat.max(axis=(1, 2), keepdims=True)
    scaled: Floats = np.divide(heat, strongest, out=np.zeros_like(heat), where=strongest > 0)
    return scaled


def _by_features(network: keras.Model, embeddings: Floats, gradients: Floats) -> Floats:
    """Return the gradients of logits by the pooled features, up to a positive factor of each image.

    `gradients` are those by the embeddings, both of shape (n, dimension).
    """
    embedding = network.get_layer(EMBEDDING)
    if any(layer.name == PROJECTION for layer in network.layers):
        # The derivative of a normalised vector lacks the part along the vector.
        along = (gradients * embeddings).sum(axis=1, keepdims=True)
        kernel = network.get_layer(PROJECTION).get_weights()[0]
        projected: Floats = (gradients - along * embeddings) @ kernel.T
        return projected
    if embedding.get_weights():
        rectified: Floats = (gradients * (embeddings > 0)) @ embedding.get_weights()[0].T
        return rectified
    return gradients
