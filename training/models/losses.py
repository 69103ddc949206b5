"""Losses of embeddings for search."""

import keras
from keras import layers, ops

from training.models.heads import COSINE_SCALE, encoder_of

_MARGIN = 0.2
_TEMPERATURE = 0.1
_TINY = 1e-7


class CosineMargin(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy with a margin between the cosines of the true class and of the others.

    The logits are cosines times a constant, so that the probabilities determine the loss. Takes
    one-hot labels and probabilities of shape (n, classes). Method: Wang et al. 2018 (CosFace).
    """

    def call(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return the loss of each image: shape (n,)."""
        true = ops.clip(ops.sum(labels * probabilities, axis=-1), _TINY, 1 - _TINY)
        return ops.softplus(ops.log1p(-true) - ops.log(true) + COSINE_SCALE * _MARGIN)


class SupervisedContrastive(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy of the similarities to images of the same class, beside that of the classes.

    Takes one-hot labels of shape (n, classes) and the outputs of `with_joint_output`. The pairs are
    those of a batch. Method: Khosla et al. 2020.
    """

    def call(self, labels: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss of each image: shape (n,)."""
        embeddings, probabilities = _split(labels, outputs)
        same = ops.matmul(labels, ops.transpose(labels))
        others = 1 - ops.eye(ops.shape(labels)[0], dtype=same.dtype)
        similarities = ops.matmul(embeddings, ops.transpose(embeddings)) / _TEMPERATURE
        # The large negative number leaves out the similarity of an image to itself.
        total = ops.logsumexp(similarities - (1 - others) / _TINY, axis=1, keepdims=True)
        positive = same * others
        count = ops.maximum(ops.sum(positive, axis=1), 1)
        contrastive = ops.sum(positive * (total - similarities), axis=1) / count
        return contrastive + keras.losses.categorical_crossentropy(labels, probabilities)


def joint_accuracy(labels: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mask of correct predictions in the outputs of `with_joint_output`."""
    return keras.metrics.categorical_accuracy(labels, _split(labels, outputs)[1])


def with_joint_output(network: keras.Model) -> keras.Model:
    """Return a network with one output: embedding and probabilities, concatenated."""
    return keras.Model(network.input, layers.Concatenate()(encoder_of(network).outputs))


def _split(
    labels: keras.KerasTensor, outputs: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the embeddings and the probabilities in the outputs for a contrastive loss."""
    classes = labels.shape[-1]
    return outputs[:, :-classes], outputs[:, -classes:]
