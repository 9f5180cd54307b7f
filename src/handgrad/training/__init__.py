"""Training: from a network, data and settings to a trained network and its history."""

from handgrad.training.checkup import doctor, watch
from handgrad.training.divergence import DivergenceError
from handgrad.training.history import History
from handgrad.training.stopping import EarlyStopping
from handgrad.training.training import Training, train

__all__ = ["DivergenceError", "EarlyStopping", "History", "Training", "doctor", "train", "watch"]
