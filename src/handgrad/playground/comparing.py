"""Compare: a setting over many seeds, or two settings side by side, by the study that decides such things."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from handgrad.arrays import Array, require_integer
from handgrad.datasets import Dataset
from handgrad.experiments import Study
from handgrad.experiments.result import Result
from handgrad.experiments.words import in_words
from handgrad.optimizers import Optimizer
from handgrad.playground.code import study_code
from handgrad.playground.document import Document
from handgrad.playground.jobs import Answer, Job, Tell
from handgrad.playground.legs import training_to_json
from handgrad.playground.limits import Limits
from handgrad.playground.reading import plain, read_object
from handgrad.playground.run import Run
from handgrad.playground.units import PICTURE
from handgrad.playground.work import engine_for, epoch_work, require_affordable
from handgrad.rules import Rule

_EPOCHS = 200  # where nothing has been trained yet
_QUANTILES = (0.1, 0.5, 0.9)  # of the bands
_SECTIONS = ("network", "training")


def comparison_of(run: Run, other: Any, seeds: Any, limits: Limits) -> Job:
    """The study of this setting, and of the one that `other` makes of it by one field, over so many seeds."""
    seeds = require_integer("seeds", seeds, at_least=2)
    limits.require("seeds", seeds, f"seeds is {seeds}")
    epochs = run.epoch or min(_EPOCHS, run.document.training.epochs)
    documents = [run.document] if other is None else [run.document, _other(run.document, other, limits)]
    vary = _vary(*documents) if len(documents) > 1 else {}
    if run.document.frozen or run.document.mistake is not None:
        raise ValueError("a comparison trains whole and right networks; unfreeze them, and take the mistake out")
    engine = "numpy" if any(engine_for(each.network, None) == "numpy" for each in documents) else "auto"
    for each in documents:
        require_affordable(each.network, each.training, run.scene, engine, limits)
    work = sum(epoch_work(each.network, each.training, run.scene, engine) for each in documents) * epochs * seeds
    limits.require("study_work", work, f"{seeds} seeds over {epochs} epochs take {work:,} multiplications")
    network, training = _settings(run, epochs, vary)
    study = _study(run, network, training, vary, seeds, engine)
    code = study_code(run, network, training, vary, seeds, engine)
    grid = run.scene.grid(PICTURE)

    def study_it(tell: Tell) -> Answer:
        result = study.run(
            progress=lambda done, total: tell({"kind": "comparison", "done": done, "total": total, "finished": False})
        )
        settings = [_seen(result, setting, grid, tell) for setting in result.settings]
        return {
            "kind": "comparison",
            "finished": True,
            "metric": result.main_metric,
            "epochs": epochs,
            "seeds": seeds,
            "settings": settings,
            "verdict": result.conclusion() if vary else _alone(result),
            "code": code,
        }

    return Job("compare", study_it)


def _settings(run: Run, epochs: int, vary: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of network and training that the settings share."""
    network = {each.name: getattr(run.document.network, each.name) for each in fields(run.document.network)}
    training = training_to_json(run.document.training) | {"epochs": epochs, "follow_test": True}
    if "training.optimizer" in vary:
        training = {name: training[name] for name in ("epochs", "batch_size", "schedule", "clip_norm", "follow_test")}
    return network, training


def _study(
    run: Run, network: dict[str, Any], training: dict[str, Any], vary: dict[str, Any], seeds: int, engine: str
) -> Study:
    """On the rows of the scene as they are; weights and the order of batches follow the seed."""
    scene = run.scene
    X = np.concatenate([scene.train.X, scene.test.X])
    y = np.concatenate([scene.raw_train.y, scene.raw_test.y])
    table = Dataset(X, y, scene.inputs, scene.raw_train.target_name, scene.classes)
    data = {"name": table, "split": "in order", "test": len(scene.test.X), "standardise": False}
    return Study(data | {"one_hot": scene.one_hot}, network, training, vary, range(seeds), ("init", "training"), engine)


def _other(document: Document, other: Any, limits: Limits) -> Document:
    """The document with those fields, such as "network.init", set otherwise."""
    given = read_object("with", other, tuple(other) if isinstance(other, Mapping) else ())
    changed = document.to_json()
    for name, value in given.items():
        section, _, field = str(name).partition(".")
        if section not in _SECTIONS:
            raise ValueError(f"with: {name!r} is no setting; expected one such as 'network.init'")
        if field == "optimizer":
            settings = training_to_json(document.training)
            kept = ("epochs", "batch_size", "schedule", "clip_norm")
            changed["training"] = {each: settings[each] for each in kept}
        changed[section][field] = value
    return Document.from_json(changed, limits)


def _vary(document: Document, theirs: Document) -> dict[str, Any]:
    """The one field in which the other setting differs, with both of its values by name."""
    differing = {}
    for section in _SECTIONS:
        ours, other_recipe = getattr(document, section), getattr(theirs, section)
        for each in fields(ours):
            a, b = getattr(ours, each.name), getattr(other_recipe, each.name)
            if a != b:
                differing[f"{section}.{each.name}"] = {_name(a): a, _name(b): b}
    if len(differing) != 1:
        raise ValueError(
            f"with: {len(differing)} settings differ; change exactly one, so that what differs is due to it"
        )
    return differing


def _name(value: Any) -> str:
    """A value in few words: settings that are as usual are left out."""
    if isinstance(value, Optimizer):
        usual = type(value)()
        settings = {each.name: getattr(value, each.name) for each in fields(value)}
        told = [f"{name}={setting}" for name, setting in settings.items() if setting != getattr(usual, name)]
        return f"{type(value).__name__}({', '.join(told)})"
    if isinstance(value, Rule) and value.registry is not None and value == value.registry.rules.get(value.name):
        return value.name
    return str(plain(value)).replace("'", "")


def _alone(result: Result) -> str:
    setting = next(iter(result.settings))
    if result.diverged[setting] == len(result.seeds):
        return f"All {len(result.seeds)} networks diverged; a smaller learning rate may help."
    interval = result.intervals()[setting]
    return f"The {result.main_metric.replace('_', ' ')} is {in_words(result.main_metric, interval)}."


def _seen(result: Result, setting: tuple[str, ...], grid: Array, tell: Tell) -> Answer:
    """A setting's curves as bands, and how far its networks agree about each pixel of the plane."""
    shown = {"loss": "loss", "test": result.main_metric}
    curves = {name: _band(result.curves(curve)[setting]) for name, curve in shown.items()}
    tell({"kind": "comparison", "done": len(result.seeds), "total": len(result.seeds), "finished": False})
    return {
        "name": result.name_of(setting),
        "epochs": result.epochs()[setting].tolist(),
        **curves,
        "interval": result.intervals()[setting].to_dict(),
        "values": result.values()[setting].tolist(),
        "agreement": _agreement(result, setting, grid),
        "diverged": result.diverged[setting],
    }


def _band(curves: Array) -> dict[str, list[float]]:
    low, middle, high = np.nanquantile(curves, _QUANTILES, axis=1)
    return {"low": low.tolist(), "middle": middle.tolist(), "high": high.tolist()}


def _agreement(result: Result, setting: tuple[str, ...], grid: Array) -> Answer:
    """For classes, the most frequent one at each pixel and its share; for numbers, mean and standard deviation."""
    stack = result.networks(setting)
    with np.errstate(all="ignore"):
        Z = stack.forward(grid)
        if stack.loss_rule.target == "values" and Z.shape[-1] == 1:
            values = stack.loss_rule.predict(Z)[..., 0]
            return {"shape": [PICTURE] * 2, "mean": values.mean(axis=0).tolist(), "sd": values.std(axis=0).tolist()}
        classes = Z.argmax(axis=-1) if Z.shape[-1] > 1 else (Z[..., 0] > 0).astype(int)
    counts = np.stack([(classes == each).mean(axis=0) for each in range(max(2, Z.shape[-1]))])
    share = counts.max(axis=0).round(3)
    return {"shape": [PICTURE] * 2, "class": counts.argmax(axis=0).tolist(), "share": share.tolist()}
