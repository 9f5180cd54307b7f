"""Class labels of any kind as the network's targets, and back."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from handgrad.arrays import Array


@dataclass(frozen=True)
class Labels:
    """The classes in sorted order; `several` if each row has any number of them (y (n, labels) of 0 and 1).

    Two classes make one column of targets, 1 for the second; more make a column each.

    >>> labels = Labels.fit(np.array(["no", "yes", "no"]))
    >>> labels.encode(np.array(["yes", "no"]))
    array([[1.],
           [0.]])
    >>> labels.decode(np.array([[0.3, 0.7]]))
    array(['yes'], dtype='<U3')
    """

    classes: Array
    several: bool = False

    @classmethod
    def fit(cls, y: Array) -> Self:
        """Those that are in y."""
        check_classification_targets(y)
        if type_of_target(y).startswith("multilabel"):
            return cls(np.arange(y.shape[1]), several=True)
        return cls(np.unique(column_or_1d(y, warn=True)))

    @property
    def multiclass(self) -> bool:
        """Whether each row is of one of more than two classes."""
        return not self.several and len(self.classes) > 2

    def present(self, y: Array) -> Array:
        """The classes that y has."""
        return self.classes if self.several else np.unique(y)

    def encode(self, y: Array) -> Array:
        """Targets (n, outputs) of 0 and 1.

        Raises
        ------
        ValueError
            y has a class that is not known.
        """
        if self.several:
            dense = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
            return dense.astype(np.float64)
        y = column_or_1d(y, warn=True)
        codes = np.minimum(np.searchsorted(self.classes, y), len(self.classes) - 1)
        if (self.classes[codes] != y).any():
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. 'y' has {np.unique(y)}."
            )
        return np.eye(len(self.classes))[codes] if self.multiclass else codes[:, None].astype(np.float64)

    def decode(self, probabilities: Array) -> Array:
        """The most probable class of each row (n, classes); of several labels 0 or 1 for each."""
        if self.several:
            return np.greater(probabilities, 0.5).astype(np.int64)
        return self.classes[np.minimum(probabilities.argmax(axis=1), len(self.classes) - 1)]  # there may be only one
