"""The rows that a seed gives: data drawn or loaded, split into training, validation and test rows."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from inspect import signature
from typing import NamedTuple

import numpy as np

from handgrad import datasets
from handgrad.arrays import Array
from handgrad.datasets import Dataset
from handgrad.experiments.recipe import DataRecipe
from handgrad.losses import Loss, losses
from handgrad.rules import unknown

SYNTHETIC = ("moons", "circles", "spirals", "xor", "gaussians", "regression_plane", "regression_curve")

_KEPT, _SMALL = 1024, 1000  # draws that are remembered, if they have so many rows


class Rows(NamedTuple):
    """X (B, D) or (S, B, D) and y (B,) or (S, B)."""

    X: Array
    y: Array


class Kept(NamedTuple):
    """The share of the training rows that is kept to stop by, and whether the numbers to predict are standardised."""

    validation: float | None
    scaled: bool


class Draw(NamedTuple):
    """What one seed trains on, what it decides by when to stop (or None), and what it is measured on."""

    train: Rows
    validation: Rows | None
    test: Rows


def load(recipe: DataRecipe, table: Dataset | None, seed: int) -> Dataset:
    """The whole dataset: a fresh draw of synthetic data, the study's table, or one that is built in."""
    if recipe.name not in SYNTHETIC or table is not None:
        if recipe.parameters:
            field = next(iter(recipe.parameters))
            raise ValueError(f"data.{field}: {recipe.name!r} is a table, not drawn; leave it out")
        return _built_in(recipe.name) if table is None else table
    maker = getattr(datasets, recipe.name)
    takes = [name for name in signature(maker).parameters if name != "seed"]
    for name in recipe.parameters:
        if name not in takes:
            raise unknown(f"field of data (of {recipe.name})", name, takes)
    dataset: Dataset = maker(**recipe.parameters, seed=seed)
    return dataset


def draw(recipe: DataRecipe, kept: Kept, table: Dataset | None, data_seed: int, split_seed: int) -> Draw:
    """The rows of a seed; `scaled` numbers are in units of their standard deviation over the training rows."""
    small = table is None and recipe.name in SYNTHETIC and (recipe.n or 0) <= _SMALL
    make = _remembered if small else _draw
    return make(recipe, kept, table, data_seed, split_seed)


def _draw(recipe: DataRecipe, kept: Kept, table: Dataset | None, data_seed: int, split_seed: int) -> Draw:
    dataset = load(recipe, table, data_seed)
    standardise = recipe.name not in SYNTHETIC if recipe.standardise is None else recipe.standardise
    if recipe.split == "random":
        train, test = dataset.split(test=recipe.test, seed=split_seed, standardise=standardise)
    else:
        train, test = _in_order(dataset, recipe.test, standardise)
    held = None
    if kept.validation is not None:
        train, held = train.split(test=kept.validation, seed=split_seed, standardise=standardise)
        assert train.preprocessing is not None
        test = replace(test, X=train.preprocessing.transform(test.rows))  # type: ignore[arg-type]
    center, scale = (float(train.y.mean()), float(train.y.std()) or 1.0) if kept.scaled else (0.0, 1.0)

    def rows(part: Dataset) -> Rows:
        return Rows(part.X, (part.y - center) / scale if kept.scaled else part.y)

    return Draw(rows(train), None if held is None else rows(held), rows(test))


_remembered = lru_cache(maxsize=_KEPT)(_draw)  # the settings of a study that are other stacks share them


def seeds_that_matter(recipe: DataRecipe, table: Dataset | None, data_seed: int, split_seed: int) -> tuple[int, int]:
    """The seeds that `draw` takes, 0 for one that decides nothing: rows that are equal are then drawn once."""
    is_drawn = table is None and recipe.name in SYNTHETIC
    return data_seed if is_drawn else 0, split_seed if recipe.split == "random" else 0


def side_by_side(rows: Sequence[Rows]) -> Rows:
    """One network's rows after another's; only once where all have the same."""
    if all(each is rows[0] for each in rows):
        return rows[0]
    return Rows(np.stack([each.X for each in rows]), np.stack([each.y for each in rows]))


def loss_for(loss: Loss | None, dataset: Dataset, one_hot: bool = False) -> Loss:
    """The loss of a recipe, or the usual one for what is predicted."""
    if one_hot:
        return _loss_of_one_hot(loss or losses.find("sigmoid_cross_entropy"), dataset)
    found = loss or losses.find("softmax_cross_entropy" if dataset.n_classes else "mse")
    for_classes = found.target in ("classes", "labels")
    if for_classes != bool(dataset.n_classes):
        has = f"has {dataset.n_classes} classes" if dataset.n_classes else "is a number"
        raise ValueError(
            f"network.loss: {found} does not suit the target {dataset.target_name!r}, which {has}"
            + ("; data.one_hot makes numbers of classes" if dataset.n_classes and found.target == "values" else "")
        )
    if found.target == "labels" and dataset.n_classes != 2:
        has = f"{dataset.target_name!r} has {dataset.n_classes}"
        raise ValueError(f"network.loss: {found} is for two classes here, and {has}")
    return found


def _loss_of_one_hot(loss: Loss, dataset: Dataset) -> Loss:
    if not dataset.n_classes:
        raise ValueError(f"data.one_hot: the target {dataset.target_name!r} is a number; it is for classes")
    if loss.target not in ("values", "labels"):
        raise ValueError(f"data.one_hot: {loss} takes {loss.target}; expected a loss of values or labels, such as mse")
    return loss


def outputs_for(loss: Loss, dataset: Dataset, one_hot: bool = False) -> int:
    """Units of the last layer."""
    return dataset.n_classes if one_hot or loss.target == "classes" else 1


@lru_cache(maxsize=1)
def _in_order(dataset: Dataset, test: float, standardise: bool) -> tuple[Dataset, Dataset]:
    """The same for all seeds, and perhaps large: kept from one chunk to the next."""
    return dataset.split(test=test, seed=None, standardise=standardise)


@lru_cache(maxsize=8)
def _built_in(name: str) -> Dataset:
    return datasets.load(name)
