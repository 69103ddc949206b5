"""Training loop of every experiment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from embeddings.arrays import Floats, Labels
from embeddings.release.reports import Curves
from training.console import EpochEnd
from training.experiments.config import Metric
from training.models.augmentation import MixedBatches
from training.models.losses import (
    CosineMargin,
    SupervisedContrastive,
    joint_accuracy,
    with_joint_output,
)

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
    metric: Metric = ""
    seed: int = 0
    multiplier: Multiplier | None = None


@dataclass(frozen=True)
class Stage:
    """Part of a training with images of one size."""

    network: keras.Model
    """Network for images of this size; it shares its weights with those of the other stages."""
    examples: Examples
    tuning: Examples
    epochs: int


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

    The network has the output for the loss of the configuration; see `with_outputs_for`.

    Without tuning images, the tuning curves are empty and training does not stop early. With early
    stopping, training ends when the tuning loss has not improved for the given number of epochs,
    and the weights of the best epoch are restored. With averaging, the moving average of the
    weights is evaluated after each epoch and left in the network.
    """
    return fit_stages([Stage(network, examples, tuning, config.epochs)], config, on_epoch)


def fit_stages(stages: Sequence[Stage], config: TrainConfig, on_epoch: OnEpoch) -> Curves:
    """Train the networks of all stages one after the other as `fit` does, and return the curves.

    The optimizer and its learning rate go on from stage to stage; the tuning images of a stage have
    the size of its images. Early stopping ends a stage.
    """
    optimizer = make_optimizer(config, len(stages[0].examples.targets))
    curves, trained = Curves(), 0
    for stage in stages:
        compile_network(stage.network, config, optimizer)
        curves = joined_curves(curves, fit_compiled(stage, config, on_epoch, trained))
        trained += stage.epochs
    return curves


def with_outputs_for(metric: Metric, network: keras.Model) -> keras.Model:
    """Return a network with the outputs that the loss of a metric takes."""
    return with_joint_output(network) if metric == "contrastive" else network


def compile_network(
    network: keras.Model, config: TrainConfig, optimizer: keras.optimizers.Optimizer
) -> None:
    """Compile a network for training with the loss of a configuration."""
    if config.metric == "contrastive":
        # `metrics` names a function by itself; the history has one name for every loss.
        accuracy = keras.metrics.MeanMetricWrapper(joint_accuracy, name="accuracy")
        network.compile(optimizer=optimizer, loss=SupervisedContrastive(), metrics=[accuracy])
    else:
        network.compile(optimizer=optimizer, loss=_loss(config), metrics=["accuracy"])


def fit_compiled(stage: Stage, config: TrainConfig, on_epoch: OnEpoch, trained: int = 0) -> Curves:
    """Train a compiled network after `trained` epochs of other stages, and return its curves."""
    tuning, examples = stage.tuning, stage.examples
    history = stage.network.fit(
        **_fit_inputs(examples, config),
        validation_data=(tuning.inputs, tuning.targets) if len(tuning.targets) else None,
        initial_epoch=trained,
        epochs=trained + stage.epochs,
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


def joined_curves(first: Curves, second: Curves) -> Curves:
    """Return the curves of two trainings, the second after the first."""
    return Curves(
        **{name: getattr(first, name) + getattr(second, name) for name in Curves.model_fields}
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


def _loss(config: TrainConfig) -> keras.losses.Loss:
    if config.metric == "cosine-margin":
        return CosineMargin()
    return keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)


def make_optimizer(config: TrainConfig, count: int) -> keras.optimizers.Optimizer:
    """Return the optimizer for a training with `count` examples."""
    steps = -(-count // config.batch)
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
    callbacks.append(epoch_callback(config.epochs, on_epoch))
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


def epoch_callback(epochs: int, on_epoch: OnEpoch) -> keras.callbacks.Callback:
    """Return the callback that reports each of a number of epochs."""

    def report(epoch: int, logs: dict[str, float]) -> None:
        accuracies = logs.get("accuracy"), logs.get("val_accuracy")
        on_epoch(EpochEnd(epoch + 1, epochs, logs["loss"], *accuracies))

    return keras.callbacks.LambdaCallback(on_epoch_end=report)
