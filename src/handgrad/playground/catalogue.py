"""What there is to choose from, read off the library's own registries, so that a new rule is on the page by itself."""

from collections.abc import Iterable
from dataclasses import MISSING, fields
from inspect import signature
from typing import Any

from handgrad import datasets
from handgrad.activations import activations
from handgrad.datasets import INPUTS
from handgrad.experiments.draws import SYNTHETIC, load
from handgrad.experiments.recipe import DataRecipe
from handgrad.gradcheck.mistakes import MISTAKES
from handgrad.initializers import initializers
from handgrad.losses import losses
from handgrad.optimizers import Optimizer
from handgrad.playground.document import TABLES
from handgrad.rules import Rule
from handgrad.schedules import schedules
from handgrad.written import FUNCTIONS

_LABELS = {
    "x1": "x₁",
    "x2": "x₂",
    "x1_squared": "x₁²",
    "x2_squared": "x₂²",
    "product": "x₁x₂",
    "sin_x1": "sin πx₁",
    "sin_x2": "sin πx₂",
    "radius": "|x|",
}


def catalogue() -> dict[str, Any]:
    """Every choice by its kind, with parameters and their defaults."""
    return {
        "datasets": [_dataset(name) for name in (*SYNTHETIC, *TABLES)],
        "inputs": [{"name": name, "label": _LABELS.get(name, name)} for name in INPUTS],
        "activations": _rules(activations),
        "initializers": _rules(initializers),
        "losses": [told | {"target": rule.target} for told, rule in zip(_rules(losses), losses, strict=True)],
        "optimizers": [_optimizer(kind) for kind in _kinds(Optimizer)],
        "schedules": _rules(schedules),
        "norms": ["batch", "layer"],
        "functions": list(FUNCTIONS),
        "mistakes": [{"name": each.name, "story": each.story, "cause": each.cause} for each in MISTAKES.values()],
    }


def _rules(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    return [{"name": each.name, "doc": each.__doc__ or "", "parameters": each.parameters} for each in rules]


def _optimizer(kind: type[Optimizer]) -> dict[str, Any]:
    defaults = {each.name: each.default for each in fields(kind) if each.default is not MISSING}
    return {"name": kind.__name__.lower(), "title": kind.__name__, "parameters": defaults}


def _kinds(kind: type[Optimizer]) -> Iterable[type[Optimizer]]:
    for each in kind.__subclasses__():
        if each.__module__ == Optimizer.__module__:
            yield each
            yield from _kinds(each)


def _dataset(name: str) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "title": name.replace("_", " "), "parameters": {}, "columns": None}
    if name in SYNTHETIC:
        takes = signature(getattr(datasets, name)).parameters
        told["parameters"] = {each.name: {"default": each.default} for each in takes.values() if each.name != "seed"}
        return told | {"task": "regression" if name.startswith("regression") else "classification"}
    found = load(DataRecipe(name), None, 0)
    task = "classification" if found.n_classes else "regression"
    return told | {"columns": list(found.feature_names) if name != "digits" else None, "task": task}
