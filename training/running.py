"""Running one experiment: from its declaration to a trained network and its figures."""

import keras

from training.circumstances import Circumstances, Trained
from training.experiments import Experiment, FineTuning, FrozenTransfer, OwnNetwork
from training.fitting import OnEpoch
from training.heads import train_head
from training.own import train_own
from training.transfer import fine_tune


def run(experiment: Experiment, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    """Train one experiment. Raises `WeightsUnavailable` or `TeacherMissing`."""
    keras.utils.set_random_seed(given.seed)
    match experiment:
        case OwnNetwork():
            return train_own(experiment, given, on_epoch)
        case FrozenTransfer():
            return train_head(experiment, given, on_epoch)
        case FineTuning():
            return fine_tune(experiment, given, on_epoch)
