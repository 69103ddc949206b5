"""Fitting a network: one loop for every experiment, with its progress and early stopping."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from embeddings.comparison import Curves
from training.dataset import Labels
from training.experiments import EpochEnd

Floats = npt.NDArray[np.float32]
Inputs = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Examples:
    """Inputs of shape (n, ...) with their labels of shape (n,)."""

    inputs: Inputs
    labels: Labels


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train."""

    epochs: int
    batch: int
    learning_rate: float
    early_stopping: int | None


OnEpoch = Callable[[EpochEnd], None]


def fit(
    network: keras.Model, examples: Examples, tuning: Examples, plan: Plan, on_epoch: OnEpoch
) -> Curves:
    """Train a network in place with Adam and cosine decay, and return its curves.

    With early stopping, training ends once the tuning loss has not improved for that many epochs,
    and the weights of the best epoch return.
    """
    steps = plan.epochs * -(-len(examples.labels) // plan.batch)
    schedule = keras.optimizers.schedules.CosineDecay(plan.learning_rate, steps)
    network.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    callbacks = [_reporting(plan.epochs, on_epoch)]
    if plan.early_stopping is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=plan.early_stopping, restore_best_weights=True
            )
        )
    history = network.fit(
        examples.inputs,
        examples.labels,
        validation_data=(tuning.inputs, tuning.labels),
        epochs=plan.epochs,
        batch_size=plan.batch,
        callbacks=callbacks,
        verbose=0,
    ).history
    return Curves(
        loss=tuple(history["loss"]),
        accuracy=tuple(history["accuracy"]),
        tuning_loss=tuple(history["val_loss"]),
        tuning_accuracy=tuple(history["val_accuracy"]),
    )


def predict(network: keras.Model, inputs: Inputs, batch: int = 64) -> Floats:
    """Class probabilities of shape (n, classes)."""
    return np.asarray(network.predict(inputs, batch_size=batch, verbose=0), dtype=np.float32)


def _reporting(epochs: int, on_epoch: OnEpoch) -> keras.callbacks.Callback:
    def report(epoch: int, logs: dict[str, float]) -> None:
        on_epoch(EpochEnd(epoch + 1, epochs, logs["loss"], logs["accuracy"], logs["val_accuracy"]))

    return keras.callbacks.LambdaCallback(on_epoch_end=report)
