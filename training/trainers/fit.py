"""Fitting a network: one loop for every experiment, with its progress and its techniques."""

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
"""What a weight's learning rate is multiplied by."""


@dataclass(frozen=True)
class Examples:
    """Inputs of shape (n, ...) with their targets: probabilities of shape (n, classes)."""

    inputs: Inputs
    targets: Floats


@dataclass(frozen=True)
class Plan:
    """How long, how fast and with which techniques to train."""

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
    """Adam whose learning rate differs from weight to weight. Method: Howard and Ruder 2018."""

    def __init__(self, learning_rate: object, multiplier: Multiplier, **settings: object) -> None:
        super().__init__(learning_rate, **settings)
        self._multiplier = multiplier
        self._speeds: list[float] = []

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Learn which weights there are."""
        super().build(variables)
        self._speeds = [self._multiplier(variable) for variable in variables]

    def update_step(self, gradient: object, variable: object, learning_rate: object) -> None:
        """Change one weight."""
        # Some backends pass their own tensors, which only the index leads back to the weight.
        speed = self._speeds[self._get_variable_index(variable)]
        super().update_step(gradient, variable, keras.ops.multiply(learning_rate, speed))


def one_hot(labels: Labels, classes: int) -> Floats:
    """Targets of shape (n, classes) that are sure of the labels."""
    return np.eye(classes, dtype=np.float32)[labels]


def fit(
    network: keras.Model, examples: Examples, tuning: Examples, plan: Plan, on_epoch: OnEpoch
) -> Curves:
    """Train a network in place with Adam and cosine decay, and return its curves.

    Without tuning photographs there are no tuning curves, and training never stops early.
    With early stopping, training ends once the tuning loss has not improved for that many epochs,
    and the weights of the best epoch return. With averaging, the average of the weights is what
    the figures are measured with and what is left in the network.
    """
    network.compile(
        optimizer=_optimizer(plan, -(-len(examples.targets) // plan.batch)),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=plan.label_smoothing),
        metrics=["accuracy"],
    )
    history = network.fit(
        **_shown(examples, plan),
        validation_data=(tuning.inputs, tuning.targets) if len(tuning.targets) else None,
        epochs=plan.epochs,
        class_weight=_class_weights(examples.targets) if plan.class_weights else None,
        callbacks=_callbacks(plan, on_epoch, stops=len(tuning.targets) > 0),
        verbose=0,
    ).history
    return Curves(
        loss=tuple(history["loss"]),
        accuracy=tuple(history["accuracy"]),
        tuning_loss=tuple(history.get("val_loss", ())),
        tuning_accuracy=tuple(history.get("val_accuracy", ())),
    )


def predict(network: keras.Model, inputs: Inputs, batch: int = 64) -> Floats:
    """Return the output of a network, such as probabilities of shape (n, classes)."""
    if not len(inputs):
        return np.empty((0, *network.output_shape[1:]), np.float32)
    return np.asarray(network.predict(inputs, batch_size=batch, verbose=0), dtype=np.float32)


def _shown(examples: Examples, plan: Plan) -> dict[str, object]:
    if not plan.mixing:
        return {"x": examples.inputs, "y": examples.targets, "batch_size": plan.batch}
    pixels = np.asarray(examples.inputs, np.uint8)
    return {"x": MixedBatches(pixels, examples.targets, plan.batch, plan.mixing, plan.seed)}


def _optimizer(plan: Plan, steps: int) -> keras.optimizers.Optimizer:
    rise = min(plan.warm_up, plan.epochs // 2) * steps
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 10 if rise else plan.learning_rate,
        plan.epochs * steps - rise,
        warmup_target=plan.learning_rate if rise else None,
        warmup_steps=rise,
    )
    settings = {
        "weight_decay": plan.weight_decay or None,
        "use_ema": bool(plan.averaging),
        "ema_momentum": plan.averaging or 0.99,
    }
    if plan.multiplier is None:
        optimizer = keras.optimizers.Adam(schedule, **settings)
    else:
        optimizer = DiscriminativeAdam(schedule, plan.multiplier, **settings)
    if plan.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


def _callbacks(plan: Plan, on_epoch: OnEpoch, *, stops: bool) -> list[keras.callbacks.Callback]:
    callbacks = [keras.callbacks.SwapEMAWeights()] if plan.averaging else []
    callbacks.append(_reporting(plan.epochs, on_epoch))
    if stops and plan.early_stopping is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=plan.early_stopping, restore_best_weights=True
            )
        )
    return callbacks


def _class_weights(targets: Floats) -> dict[int, float]:
    """Weights that let every class count as much as another."""
    counts = targets.sum(axis=0)
    return {
        number: float(len(targets) / (len(counts) * count)) if count else 1.0
        for number, count in enumerate(counts)
    }


def _reporting(epochs: int, on_epoch: OnEpoch) -> keras.callbacks.Callback:
    def report(epoch: int, logs: dict[str, float]) -> None:
        on_epoch(
            EpochEnd(epoch + 1, epochs, logs["loss"], logs["accuracy"], logs.get("val_accuracy"))
        )

    return keras.callbacks.LambdaCallback(on_epoch_end=report)
