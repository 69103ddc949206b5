"""Training of an experiment by the trainer of its kind."""

import keras
import numpy as np

from training.experiments.config import Experiment, FineTuning, FromScratch, FrozenTransfer
from training.trainers.context import TrainingContext, TrainingDiverged, TrainingResult
from training.trainers.fine_tuning import fine_tune
from training.trainers.fit import OnEpoch
from training.trainers.from_scratch import train_from_scratch
from training.trainers.head import train_head


def train_experiment(
    experiment: Experiment, context: TrainingContext, on_epoch: OnEpoch
) -> TrainingResult:
    """Train an experiment.

    Raises `WeightsUnavailable`, `TeacherMissing`, or `TrainingDiverged` if the loss or a
    probability is not finite.
    """
    keras.utils.set_random_seed(context.seed)
    match experiment:
        case FromScratch():
            result = train_from_scratch(experiment, context, on_epoch)
        case FrozenTransfer():
            result = train_head(experiment, context, on_epoch)
        case FineTuning():
            result = fine_tune(experiment, context, on_epoch)
    curves = result.curves
    for values in (curves.loss, curves.tuning_loss, result.tuning, result.validation):
        if not np.isfinite(values).all():
            raise TrainingDiverged(
                "Training diverged: the loss or a probability is not a finite number. Declare the "
                "experiment with a lower learning rate."
            )
    return result
