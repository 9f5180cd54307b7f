"""A dataset: the numbers X and y that a network learns from, and the raw rows and names that they came from."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array, require_finite, require_integer, require_number, require_numeric, require_rows
from handgrad.preprocessing import NumericColumn, Preprocessing
from handgrad.rules import unknown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Inputs X (B, D) float64 and targets y (B,): int64 class indices, or float64 where `class_names` is None.

    `preprocessing` made X out of the raw `rows`, a DataFrame or an array; where they are None, X is the raw data.

    >>> dataset = Dataset([[0, 1], [2, 3]], [0, 1], ("height", "weight"), "animal", ("cat", "dog"))
    >>> X, y = dataset
    >>> dataset
    Dataset(2 rows, 2 features, animal: 2 classes)

    Raises
    ------
    ValueError
        X is not a finite (B, D); y or the names do not fit it; or y has a value that is no index of `class_names`.
    """

    X: Array
    y: Array
    feature_names: tuple[str, ...]
    target_name: str = "y"
    class_names: tuple[str, ...] | None = None
    rows: "pd.DataFrame | Array | None" = None
    preprocessing: Preprocessing | None = None

    def __post_init__(self) -> None:
        X = require_numeric("X", self.X).astype(np.float64, copy=False)
        if X.ndim != 2 or 0 in X.shape:
            raise ValueError(f"X has shape {X.shape}; expected (B, D), at least one row and one column")
        if len(self.feature_names) != X.shape[1]:
            raise ValueError(f"feature_names has {len(self.feature_names)} names but X has {X.shape[1]} columns")
        object.__setattr__(self, "X", require_finite("X", X, self.feature_names))
        object.__setattr__(self, "y", _require_targets(self.y, len(X), self.class_names))

    def __iter__(self) -> Iterator[Array]:
        yield self.X
        yield self.y

    def __repr__(self) -> str:
        target = "regression" if self.class_names is None else f"{self.n_classes} classes"
        return f"Dataset({self.X.shape[0]} rows, {self.X.shape[1]} features, {self.target_name}: {target})"

    @property
    def n_classes(self) -> int:
        """How many classes there are; 0 for regression."""
        return len(self.class_names or ())

    def split(self, test: float = 0.25, seed: int | None = 0, standardise: bool = True) -> "tuple[Dataset, Dataset]":
        """The rows in two parts, `(train, test)`, as scikit-learn's `train_test_split` draws them.

        `test` is a share, or a whole number of rows. Classes are kept in proportion (stratified). With `seed` None
        nothing is drawn: the last rows are the test rows, for data that comes with a split of its own. Means and
        scales are those of the training rows and serve both parts; the categories of text columns are those of the
        whole dataset, so that D does not depend on the seed.

        >>> from handgrad.datasets import iris
        >>> train, test = iris().split(test=0.2)
        >>> len(train.y), np.bincount(test.y)
        (120, array([10, 10, 10]))

        Raises
        ------
        ValueError
            `test` is no share between 0 and 1 and no number of rows, a part would be empty or smaller than the number
            of classes, or a class has a single row.
        """
        from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

        test = require_share_or_rows("test", test)
        order = np.arange(len(self.y))
        last = test if isinstance(test, int) else math.ceil(test * len(order))
        self._require_splittable(test, last, drawn=seed is not None)
        if seed is None:
            chosen = [order[:-last], order[-last:]]
        else:
            kind = ShuffleSplit if self.class_names is None else StratifiedShuffleSplit  # as `train_test_split` has it
            chosen = next(kind(test_size=test, random_state=require_small_seed(seed)).split(self.y, self.y))
        raw = [_take(self.X if self.rows is None else self.rows, part) for part in chosen]
        fitted = self._unfitted().refit(raw[0], standardise=standardise)
        train, held_out = (self._part(self.y[part], rows, fitted) for part, rows in zip(chosen, raw, strict=True))
        return train, held_out

    def select(self, *names: str) -> "Dataset":
        """The same rows with these features only, as they are: not standardised, whatever they were before.

        >>> from handgrad.datasets import iris
        >>> iris().select("petal length (cm)", "petal width (cm)").X.shape
        (150, 2)

        Raises
        ------
        ValueError
            A name is unknown, or the features were made of raw rows, of which columns are to be chosen instead.
        """
        if self.rows is not None:
            raise ValueError("select: these features were made of raw rows; choose among the columns of those")
        for name in names:
            if name not in self.feature_names:
                raise unknown("feature", name, self.feature_names)
        chosen = [self.feature_names.index(name) for name in names]
        return replace(self, X=self.X[:, chosen], feature_names=names)

    def _unfitted(self) -> Preprocessing:
        if self.preprocessing is not None:
            return self.preprocessing
        columns = tuple(NumericColumn(name) for name in self.feature_names)
        return Preprocessing(columns, self.target_name, self.class_names)

    def _part(self, y: Array, rows: Any, fitted: Preprocessing) -> "Dataset":
        X = fitted.transform(rows)
        return Dataset(X, y, fitted.feature_names, self.target_name, self.class_names, rows, fitted)

    def _require_splittable(self, test: float, held_out: int, drawn: bool) -> None:
        smaller = min(held_out, len(self.y) - held_out)
        needed = 1
        if self.class_names is not None and drawn:
            classes, counts = np.unique(self.y, return_counts=True)
            if counts.min() < 2:
                rare = self.class_names[classes[counts.argmin()]]
                raise ValueError(
                    f"class {rare!r} of {self.target_name!r} has 1 row; a stratified split needs at least 2 of each "
                    "class, one to train on and one to test on; drop or merge that class"
                )
            needed = len(classes)
        if smaller < needed:
            raise ValueError(
                f"test={test:g} splits {len(self.y)} rows into {len(self.y) - held_out} and {held_out}; "
                f"each part needs at least {needed}" + (", one for each class" if needed > 1 else "")
            )


def require_share_or_rows(argument: str, test: object) -> float:
    """A share between 0 and 1 as a float, or a number of rows as an int."""
    if isinstance(test, int | np.integer) and test > 1:
        return require_integer(argument, test)
    return require_number(argument, test, above=0, below=1)


def require_small_seed(seed: object) -> int:
    """The seed as an int, if scikit-learn takes it: a whole number from 0 to 2³² - 1."""
    number = require_integer("seed", seed, at_least=0)
    if number >= 2**32:
        raise ValueError(f"seed is {number}; expected a whole number below 2**32, the largest that scikit-learn takes")
    return number


def _require_targets(y: Array, rows: int, class_names: tuple[str, ...] | None) -> Array:
    y = require_rows("y", np.atleast_1d(require_numeric("y", y)), rows)
    if y.ndim != 1:
        raise ValueError(f"y has shape {y.shape}; expected ({rows},)")
    if class_names is None:
        return require_finite("y", y.astype(np.float64, copy=False))
    wrong = ~np.isin(y, np.arange(len(class_names)))
    if wrong.any():
        row = int(np.argmax(wrong))
        last = len(class_names) - 1
        raise ValueError(f"y has {y[row]} at row {row}; expected class indices from 0 to {last}, as class_names has")
    return y.astype(np.int64, copy=False)


def _take(rows: Any, part: Array) -> Any:
    return rows.iloc[part].reset_index(drop=True) if hasattr(rows, "iloc") else rows[part]
