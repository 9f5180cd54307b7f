"""A scene: the rows that a document asks for, the inputs made of them, and the plane in which they are shown.

With two columns the plane is theirs, in their own units; with one it is column and target; with more it is the plane
through the mean of the training rows along their two principal directions.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.datasets import Dataset, plane_inputs
from handgrad.experiments.draws import SYNTHETIC, Rows, load, loss_for, outputs_for
from handgrad.losses import Loss
from handgrad.playground.document import Document, Source
from handgrad.playground.limits import Limits
from handgrad.playground.tables import LeftOut, Table, own_table
from handgrad.preprocessing import NumericColumn

_MARGIN = 0.12  # of the window, around the points
_IMAGE = (8, 8)  # of the digits


@dataclass(frozen=True)
class Plane:
    """Where rows are drawn: `points` by their coordinates, and back from coordinates to the network's inputs.

    x = centre + coordinates · directions are a row's raw columns; `window` is (left, right, bottom, top).
    """

    window: tuple[float, float, float, float]
    axes: tuple[str, str]
    centre: Array  # (D,)
    directions: Array  # (2, D)

    def grid(self, side: int) -> Array:
        """Coordinates (side², 2) of the middles of a picture's pixels, the top row first."""
        left, right, bottom, top = self.window
        middles = (np.arange(side) + 0.5) / side
        x, y = np.meshgrid(left + (right - left) * middles, top - (top - bottom) * middles)
        return np.column_stack([x.ravel(), y.ravel()])


@dataclass(frozen=True, eq=False)
class Scene:
    """What a network of the document learns from, and how it is shown."""

    kind: str  # plane, curve or images
    train: Rows  # X (B, D) as the network takes it, y
    test: Rows
    raw_train: Dataset  # before the inputs were made
    raw_test: Dataset
    inputs: tuple[str, ...]  # names of the network's inputs
    expanded: bool  # whether they were made by `plane_inputs`
    classes: tuple[str, ...] | None
    loss: Loss
    outputs: int
    one_hot: bool
    standardised: bool
    target_scale: tuple[float, float]  # centre and scale of a number that is predicted
    plane: Plane
    points: tuple[Array, Array]  # coordinates (B, 2) of training and test rows
    left_out: LeftOut  # of a table of one's own
    grids: dict[int, Array] = field(default_factory=dict)  # that were asked for, by their side

    def grid(self, side: int) -> Array:
        """The network's inputs at the pixels of the plane, (side², D)."""
        if side not in self.grids:
            preprocessing = self.raw_train.preprocessing
            X = self.plane.centre + self.plane.grid(side) @ self.plane.directions
            if preprocessing is not None and len(preprocessing.columns) == X.shape[1] <= 2:
                X = preprocessing.transform(X)
            self.grids[side] = plane_inputs(X, self.inputs) if self.expanded else X
        return self.grids[side]


def scene_of(document: Document, limits: Limits) -> Scene:
    """The scene that a document asks for; refuses what does not go together."""
    dataset, left_out = _table(document.data, limits)
    recipe = document.data.recipe
    standardise = recipe.name not in SYNTHETIC if recipe.standardise is None else recipe.standardise
    train, test = dataset.split(test=recipe.test, seed=document.data.seed, standardise=standardise)
    one_hot = _wants_one_hot(document.network.loss, dataset)
    loss = loss_for(document.network.loss, dataset, one_hot)
    centre, scale = (0.0, 1.0) if dataset.n_classes else (float(train.y.mean()), float(train.y.std()) or 1.0)
    expanded = train.X.shape[1] == 2
    names = document.inputs if expanded else train.feature_names

    def rows(part: Dataset) -> Rows:
        y = part.y if dataset.n_classes else (part.y - centre) / scale
        targets = np.eye(dataset.n_classes)[part.y] if one_hot else y
        return Rows(plane_inputs(part.X, names) if expanded else part.X, targets)

    raw = [_columns_of(part) for part in (train, test)]
    plane = _plane(raw, train, (train.y, test.y))
    if len(train.feature_names) == 1:
        points = [np.column_stack([each[:, 0], part.y]) for each, part in zip(raw, (train, test), strict=True)]
    else:
        points = [(each - plane.centre) @ plane.directions.T for each in raw]
    return Scene(
        kind=_kind(document.data, train),
        train=rows(train),
        test=rows(test),
        raw_train=train,
        raw_test=test,
        inputs=tuple(names),
        expanded=expanded,
        classes=dataset.class_names,
        loss=loss,
        outputs=outputs_for(loss, dataset, one_hot),
        one_hot=one_hot,
        standardised=standardise,
        target_scale=(centre, scale),
        plane=plane,
        points=(points[0], points[1]),
        left_out=left_out,
    )


def _table(source: Source, limits: Limits) -> Table:
    """All rows, with the chosen columns."""
    if source.csv is not None:
        return own_table(source, limits)
    if source.columns is not None and source.recipe.name in SYNTHETIC:
        raise ValueError(f"data.columns: {source.recipe.name!r} is drawn and has no others; leave it out")
    dataset = load(source.recipe, None, source.seed)
    return Table(dataset if source.columns is None else dataset.select(*source.columns))


def _wants_one_hot(loss: Loss | None, dataset: Dataset) -> bool:
    """Classes are given to a loss of numbers, or of labels where there are more than two, as a 0/1 target each."""
    if loss is None or not dataset.n_classes:
        return False
    return loss.target == "values" or (loss.target == "labels" and dataset.n_classes > 2)


def _kind(source: Source, train: Dataset) -> str:
    if source.recipe.name == "digits" and source.columns is None:
        return "images"
    return "curve" if train.X.shape[1] == 1 and train.class_names is None else "plane"


def _columns_of(part: Dataset) -> Array:
    """The columns in which a row has its place: up to two as they were read, more of them as the network takes them."""
    assert part.preprocessing is not None
    columns = part.preprocessing.columns
    if len(columns) > 2 or not all(isinstance(each, NumericColumn) for each in columns):
        return part.X
    rows: Any = part.rows
    chosen = rows[[each.name for each in columns]].to_numpy() if hasattr(rows, "to_numpy") else rows
    return np.asarray(chosen, dtype=np.float64)


def _plane(raw: list[Array], train: Dataset, targets: tuple[Array, Array]) -> Plane:
    names = train.feature_names
    if len(names) == 1:
        both = np.concatenate(raw)[:, 0], np.concatenate(targets)
        axes = (names[0], train.target_name)
        return Plane(_window(np.column_stack(both)), axes, np.zeros(1), np.array([[1.0], [0.0]]))
    if len(names) == 2:
        return Plane(_window(np.concatenate(raw)), (names[0], names[1]), np.zeros(2), np.eye(2))
    centre = raw[0].mean(axis=0)
    _, _, directions = np.linalg.svd(raw[0] - centre, full_matrices=False)
    kept = directions[:2]
    coordinates = (np.concatenate(raw) - centre) @ kept.T
    return Plane(_window(coordinates), ("principal 1", "principal 2"), centre, kept)


def _window(points: Array) -> tuple[float, float, float, float]:
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * np.where(high > low, high - low, 1.0)
    (left, bottom), (right, top) = low - margin, high + margin
    return float(left), float(right), float(bottom), float(top)
