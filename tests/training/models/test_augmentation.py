import keras
import numpy as np
import pytest

from training.experiments.config import FineTuning
from training.models.augmentation import AUGMENTATIONS, MIXINGS, MixedBatches, augmented
from training.models.networks import NETWORKS, Regularisation, convnet, residual
from training.trainers.fine_tuning import freeze
from training.trainers.fit import Examples, TrainConfig, fit, one_hot


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_augmentation_changes_images_in_training_only(name: str) -> None:
    network = convnet((32, 48), 3)
    shown = augmented(network, [name], seed=0)
    pictures = np.random.default_rng(0).integers(0, 256, (8, 32, 48, 3), dtype=np.uint8)
    plain = np.asarray(network(pictures))
    assert np.allclose(np.asarray(shown(pictures, training=False)), plain, atol=1e-5)
    assert not np.allclose(np.asarray(shown(pictures, training=True)), plain, atol=1e-5)


@pytest.mark.parametrize("name", sorted(MIXINGS))
def test_mixed_images_have_mixed_labels(name: str) -> None:
    shades = np.array([0, 100, 200], np.uint8)
    labels = np.arange(30) % 3
    pixels = np.broadcast_to(shades[labels][:, None, None, None], (30, 48, 64, 3))
    batches = MixedBatches(pixels, one_hot(labels, 3), 8, [name], seed=0)
    batches.on_epoch_end()
    shown = [batches[number] for number in range(len(batches))]
    images = np.concatenate([image for image, _ in shown])
    targets = np.concatenate([target for _, target in shown])
    assert images.shape == (30, 48, 64, 3)
    assert images.dtype == np.uint8
    assert np.allclose(targets.sum(axis=1), 1, atol=1e-5)
    # The mean shade of an image is the mixture given by its label.
    assert np.allclose(images.mean(axis=(1, 2, 3)), targets @ shades, atol=9)
    assert (targets.max(axis=1) < 0.99).any()


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize(
    "techniques",
    [
        Regularisation(),
        Regularisation(0.5, 0.1, True),
        Regularisation(0.5, 0.1, True, 0.2, True, True),
    ],
)
def test_every_network_supports_every_technique_and_size(name: str, techniques) -> None:
    network = NETWORKS[name]((40, 48), 3, techniques)
    assert network.input_shape == (None, 40, 48, 3)
    assert network.output_shape == (None, 3)
    kinds = {type(layer) for layer in network.layers}
    assert (keras.layers.Dropout in kinds) == bool(techniques.dropout)
    assert (keras.layers.SpatialDropout2D in kinds) == bool(techniques.spatial_dropout)
    normalised = techniques.batch_norm or name != "convnet"
    assert (keras.layers.BatchNormalization in kinds) == normalised
    assert (keras.layers.Multiply in kinds) == (
        techniques.squeeze_excitation and name == "residual"
    )
    blurred = techniques.blur_pooling and name != "separable"
    assert (keras.layers.AveragePooling2D in kinds) == blurred


def test_a_residual_block_is_skipped_as_a_whole_and_in_training_only() -> None:
    network = residual((32, 48), 3, Regularisation(stochastic_depth=0.9))
    skipped = [each for each in network.layers if isinstance(each, keras.layers.Dropout)]
    assert [each.rate for each in skipped] == pytest.approx([0.3, 0.6, 0.9])
    maps = np.ones((64, 4, 6, 8), np.float32)
    shown = np.asarray(skipped[-1](maps, training=True)).reshape(64, -1)
    assert np.ptp(shown, axis=1).max() == 0
    assert 0 < (shown[:, 0] == 0).sum() < 64
    np.testing.assert_array_equal(skipped[-1](maps, training=False), maps)


def examples(count: int = 32) -> Examples:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (count, 32, 48, 3), dtype=np.uint8)
    return Examples(pixels, one_hot(np.arange(count) % 3, 3))


def small_network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((32, 48, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 5, strides=4, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def trained(config: TrainConfig) -> keras.Model:
    network = small_network()
    fit(network, examples(), examples(), config, lambda end: None)
    return network


def test_averaged_weights_are_kept_and_evaluated() -> None:
    network = small_network()
    config = TrainConfig(3, 8, 1e-2, averaging=0.9)
    curves = fit(network, examples(), examples(), config, lambda end: None)
    network.compile(loss="categorical_crossentropy")
    left = network.evaluate(examples().inputs, examples().targets, verbose=0, return_dict=True)
    assert curves.tuning_loss[-1] == pytest.approx(left["loss"], rel=1e-3)
    plain = trained(TrainConfig(3, 8, 1e-2))
    assert not np.allclose(plain.get_weights()[0], network.get_weights()[0], atol=1e-5)


def test_weight_decay_reduces_weights() -> None:
    plain, decayed = (
        trained(TrainConfig(5, 8, 1e-3)),
        trained(TrainConfig(5, 8, 1e-3, weight_decay=5.0)),
    )
    size = [float(np.abs(network.get_weights()[-2]).sum()) for network in (plain, decayed)]
    assert size[1] < 0.97 * size[0]


def test_the_learning_rate_rises_before_it_falls() -> None:
    config = TrainConfig(4, 8, 1e-3, warm_up=2)
    network = trained(config)
    schedule = network.optimizer._learning_rate
    rates = [float(schedule(step)) for step in range(4 * 4 + 1)]
    assert np.argmax(rates) == 8
    assert rates[8] == pytest.approx(1e-3)
    assert rates[0] < 2e-4
    assert rates[16] < 1e-6


def backbone() -> keras.Model:
    image = keras.Input((32, 48, 3))
    x = image
    for number in range(4):
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name=f"conv{number}")(x)
        x = keras.layers.BatchNormalization(name=f"norm{number}")(x)
    return keras.Model(image, x)


def test_lower_layers_are_frozen_and_rates_rise_with_the_layer() -> None:
    inner = backbone()
    rates = freeze([inner], FineTuning("test", "", share=0.5, first_rate=0.25))
    trainable = [layer.name for layer in inner.layers if layer.trainable_weights]
    assert trainable == ["conv2", "conv3"]
    speeds = [rates(inner.get_layer(f"conv{number}").weights[0]) for number in range(4)]
    assert speeds[:2] == [0, 0]
    assert 0.25 <= speeds[2] < speeds[3] <= 1
    head = keras.layers.Dense(2)
    head.build((None, 3))
    assert rates(head.weights[0]) == 1


def test_a_smaller_multiplier_changes_a_weight_less() -> None:
    def moved(speed: float) -> float:
        network = small_network()
        before = network.get_weights()[0].copy()
        first = network.weights[0]
        config = TrainConfig(
            1, 32, 1e-3, multiplier=lambda weight: speed if weight is first else 1.0
        )  # one step
        fit(network, examples(), examples(), config, lambda end: None)
        return float(np.abs(network.get_weights()[0] - before).max())

    assert moved(0.0) == 0
    assert moved(0.1) == pytest.approx(0.1 * moved(1.0), rel=1e-2)
