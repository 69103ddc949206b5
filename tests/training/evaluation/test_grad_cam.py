import keras
import numpy as np
import pytest

from training.evaluation.grad_cam import grad_cam
from training.models.heads import EMBEDDING, POOLED, PROBABILITIES, PROJECTION, with_head
from training.models.networks import convnet


def headless(size: tuple[int, int]) -> keras.Model:
    """Return a network whose embedding is its pooled features."""
    whole = convnet(size, 4)
    return with_head(whole.input, whole.get_layer(POOLED).output, 4, hidden=0, dropout=0.0)


def cosine(size: tuple[int, int]) -> keras.Model:
    """Return a network with an embedding of length 1."""
    whole = convnet(size, 4)
    pooled = whole.get_layer(POOLED).output
    network = with_head(whole.input, pooled, 4, hidden=16, dropout=0.0, kind="cosine")
    # A bias that is not zero, as after a training.
    layer = network.get_layer(PROJECTION)
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias + np.linspace(-0.3, 0.3, len(bias), dtype=np.float32)])
    return network


@pytest.mark.parametrize("build", [lambda size: convnet(size, 4), headless, cosine])
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="differentiates by TensorFlow")
def test_the_closed_form_equals_the_gradient(build) -> None:
    import tensorflow as tf

    keras.utils.set_random_seed(3)
    network = build((48, 64))
    pixels = np.random.default_rng(0).integers(0, 256, (6, 48, 64, 3), dtype=np.uint8)
    classes = np.array([0, 1, 2, 3, 0, 1])
    maps = keras.Model(network.input, network.get_layer(POOLED).input)(pixels)
    tail = keras.Model(network.get_layer(POOLED).output, network.get_layer(EMBEDDING).output)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        embedding = tail(network.get_layer(POOLED)(maps))
        kernel = network.get_layer(PROBABILITIES).weights[0]
        logits = keras.ops.matmul(embedding, kernel)
        chosen = tf.gather(logits, classes, batch_dims=1)
    gradients = tf.reduce_mean(tape.gradient(chosen, maps), axis=(1, 2))
    expected = np.maximum(np.einsum("nhwc,nc->nhw", maps.numpy(), gradients.numpy()), 0)
    strongest = expected.max(axis=(1, 2), keepdims=True)
    expected = np.divide(expected, strongest, out=np.zeros_like(expected), where=strongest > 0)
    assert np.allclose(grad_cam(network, pixels, classes), expected, atol=1e-4)
    assert expected.max() == 1


def test_the_heat_is_highest_at_the_object() -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    pixels = rng.integers(90, 110, (256, 64, 96, 3)).astype(np.uint8)
    labels = np.arange(256) % 2
    left = rng.random(256) < 0.5
    for image, label, is_left in zip(pixels, labels, left, strict=True):
        columns = slice(0, 32) if is_left else slice(64, 96)
        image[16:48, columns] = (230, 40, 40) if label else (40, 40, 230)
    network = convnet((64, 96), 2)
    network.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    network.fit(pixels, labels, epochs=6, verbose=0)
    heat = grad_cam(network, pixels, labels)
    on_the_left = heat[:, :, :2].sum(axis=(1, 2)) > heat[:, :, -2:].sum(axis=(1, 2))
    assert np.mean(on_the_left == left) > 0.9
