"""Training loop of every experiment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from embeddings.arrays import Floats, Labels
from embeddings.release.reports import Curves
from training.console import EpochEnd
from training.models.augmentation import MixedBatches

Inputs = npt.NDArray[np.generic]
Multiplier = Callable[[keras.Variable], float]
"""Function that returns the factor of a weight's learning rate."""


@dataclass(frozen=True)
class Examples:
    """Inputs of shape (n, …) and targets, which are probabilities of shape (n, classes)."""

    inputs: Inputs
    targets: Floats


@dataclass(frozen=True)
class TrainConfig:
    """Hyper-parameters of a training."""

    epochs: int
    batch: int
    learning_rate: float
    warm_up: int = 0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    averaging: float = 0.0
    early_stopping: int | None = None
    class_weights: bool = False
    mixing: tuple[str, ...] = ()
    seed: int = 0
    multiplier: Multiplier | None = None


OnEpoch = Callable[[EpochEnd], None]


class DiscriminativeAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """Adam with a learning rate for each weight. Method: Howard and Ruder 2018."""

    def __init__(self, learning_rate: object, multiplier: Multiplier, **settings: object) -> None:
        super().__init__(learning_rate, **settings)
        self._multiplier = multiplier
        self._factors: list[float] = []

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Store the factor of each weight."""
        super().build(variables)
        self._factors = [self._multiplier(variable) for variable in variables]

    def update_step(self, gradient: object, variable: object, learning_rate: object) -> None:
        """Update one weight."""
        # Some backends pass their own tensors; the index identifies the weight.
        factor = self._factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, keras.ops.multiply(learning_rate, factor))


def one_hot(labels: Labels, classes: int) -> Floats:
    """Return the labels as one-hot targets of shape (n, classes)."""
    return np.eye(classes, dtype=np.float32)[labels]


def fit(
    network: keras.Model,
    examples: Examples,
    tuning: Examples,
    config: TrainConfig,
    on_epoch: OnEpoch,
) -> Curves:
    """Train a network in place with Adam and cosine decay, and return its curves.

    Without tuning images, the tuning curves are empty and training does not stop early. With early
    stopping, training ends when the tuning loss has not improved for the given number of epochs,
    and the weights of the best epoch are restored. With averaging, the moving average of the
    weights is evaluated after each epoch and left in the network.
    """
    compile_network(network, config, len(examples.targets))
    return fit_compiled(network, examples, tuning, config, on_epoch)


def compile_network(network: keras.Model, config: TrainConfig, count: int) -> None:
    """Compile a network for training with `count` examples."""
    network.compile(
        optimizer=_optimizer(config, -(-count // config.batch)),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )


def fit_compiled(
    network: keras.Model,
    examples: Examples,
    tuning: Examples,
    config: TrainConfig,
    on_epoch: OnEpoch,
) -> Curves:
    """Train a compiled network as `fit` does, and return its curves."""
    history = network.fit(
        **_fit_inputs(examples, config),
        validation_data=(tuning.inputs, tuning.targets) if len(tuning.targets) else None,
        epochs=config.epochs,
        class_weight=_class_weights(examples.targets) if config.class_weights else None,
        callbacks=_callbacks(config, on_epoch, stops=len(tuning.targets) > 0),
        verbose=0,
    ).history
    return Curves(
        loss=tuple(history["loss"]),
        accuracy=tuple(history["accuracy"]),
        tuning_loss=tuple(history.get("val_loss", ())),
        tuning_accuracy=tuple(history.get("val_accuracy", ())),
    )


def predict(network: keras.Model, inputs: Inputs, batch: int = 64) -> Floats:
    """Return the output of a model, for example probabilities of shape (n, classes)."""
    if not len(inputs):
        return np.empty((0, *network.output_shape[1:]), np.float32)
    return np.asarray(network.predict(inputs, batch_size=batch, verbose=0), dtype=np.float32)


def _fit_inputs(examples: Examples, config: TrainConfig) -> dict[str, object]:
    if not config.mixing:
        return {"x": examples.inputs, "y": examples.targets, "batch_size": config.batch}
    pixels = np.asarray(examples.inputs, np.uint8)
    return {"x": MixedBatches(pixels, examples.targets, config.batch, config.mixing, config.seed)}


def _optimizer(config: TrainConfig, steps: int) -> keras.optimizers.Optimizer:
    rise = min(config.warm_up, config.epochs // 2) * steps
    schedule = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 10 if rise else config.learning_rate,
        config.epochs * steps - rise,
        warmup_target=config.learning_rate if rise else None,
        warmup_steps=rise,
    )
    settings = {
        "weight_decay": config.weight_decay or None,
        "use_ema": bool(config.averaging),
        "ema_momentum": config.averaging or 0.99,
    }
    if config.multiplier is None:
        optimizer = keras.optimizers.Adam(schedule, **settings)
    else:
        optimizer = DiscriminativeAdam(schedule, config.multiplier, **settings)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


def _callbacks(
    config: TrainConfig, on_epoch: OnEpoch, *, stops: bool
) -> list[keras.callbacks.Callback]:
    callbacks = [keras.callbacks.SwapEMAWeights()] if config.averaging else []
    callbacks.append(_epoch_callback(config.epochs, on_epoch))
    if stops and config.early_stopping is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=config.early_stopping, restore_best_weights=True
            )
        )
    return callbacks


def _class_weights(targets: Floats) -> dict[int, float]:
    """Return weights that balance the classes in the loss."""
    counts = targets.sum(axis=0)
    return {
        number: float(len(targets) / (len(counts) * count)) if count else 1.0
        for number, count in enumerate(counts)
    }


def _epoch_callback(epochs: int, on_epoch: OnEpoch) -> keras.callbacks.Callback:
    def report(epoch: int, logs: dict[str, float]) -> None:
        on_epoch(
            EpochEnd(epoch + 1, epochs, logs["loss"], logs["accuracy"], logs.get("val_accuracy"))
        )

    return keras.callbacks.LambdaCallback(on_epoch_end=report)
