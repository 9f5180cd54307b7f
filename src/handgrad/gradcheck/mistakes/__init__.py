"""Mistakes that people make in hand-written backpropagation, to be planted in a network.

`MISTAKES` has them by name. Each plants itself in a twin of a network, with the same parameters, the same loss and a
wrong gradient: to measure what a gradient checker finds, or to watch what a mistake does to training.

>>> import handgrad as hg
>>> from handgrad.gradcheck.mistakes import MISTAKES
>>> X, y = hg.datasets.moons(n=20, seed=0)
>>> net = hg.Network.mlp([2, 5, 2], activation="tanh")
>>> wrong = MISTAKES["derivative missing"].plant(net)
>>> wrong.loss(X, y) == net.loss(X, y), hg.check_network(wrong, X, y).passed
(True, False)

Train a twin with `engine="numpy"`: it runs the backward pass that is wrong.
"""

from handgrad.gradcheck.mistakes.activation import ACTIVATION
from handgrad.gradcheck.mistakes.arrangement import ARRANGEMENT
from handgrad.gradcheck.mistakes.biases import BIASES
from handgrad.gradcheck.mistakes.factors import FACTORS
from handgrad.gradcheck.mistakes.functions import Functions, as_function
from handgrad.gradcheck.mistakes.memory import MEMORY
from handgrad.gradcheck.mistakes.mistake import Mistake
from handgrad.gradcheck.mistakes.outputs import OUTPUTS, SquaredSoftmax, squared_softmax
from handgrad.gradcheck.mistakes.own_layers import OWN_LAYERS
from handgrad.gradcheck.mistakes.penalties import PENALTIES
from handgrad.gradcheck.mistakes.precision import PRECISION

MISTAKES: dict[str, Mistake] = {
    mistake.name: mistake
    for family in (FACTORS, PENALTIES, ARRANGEMENT, ACTIVATION, OUTPUTS, BIASES, MEMORY, PRECISION, OWN_LAYERS)
    for mistake in family
}

__all__ = ["MISTAKES", "Functions", "Mistake", "SquaredSoftmax", "as_function", "squared_softmax"]
