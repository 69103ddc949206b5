"""Running one experiment: from its declaration to a trained network and its figures."""

import keras
import numpy as np

from training.experiments.config import Experiment, FineTuning, FrozenTransfer, OwnNetwork
from training.trainers.context import Circumstances, Trained, TrainingDiverged
from training.trainers.fine_tuning import fine_tune
from training.trainers.fit import OnEpoch
from training.trainers.from_scratch import train_own
from training.trainers.head import train_head


def run(experiment: Experiment, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    """Train one experiment.

    Raises `WeightsUnavailable`, `TeacherMissing`, or `TrainingDiverged` if a figure is not finite.
    """
    keras.utils.set_random_seed(given.seed)
    match experiment:
        case OwnNetwork():
            trained = train_own(experiment, given, on_epoch)
        case FrozenTransfer():
            trained = train_head(experiment, given, on_epoch)
        case FineTuning():
            trained = fine_tune(experiment, given, on_epoch)
    curves = trained.curves
    for figures in (curves.loss, curves.tuning_loss, trained.tuning, trained.validation):
        if not np.isfinite(figures).all():
            raise TrainingDiverged(
                "Training diverged: the loss or a probability is not a finite number; declare the "
                "experiment with a lower learning rate."
            )
    return trained
