"""What training remembers between epochs, as plain values, and how it is taken up again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from handgrad.training.training import Training


def remembered(training: "Training") -> dict[str, Any]:
    """Copies of everything that decides how training goes on, and of the history."""
    best, history = training.best, training.history
    return {
        "of": _what_it_is_of(training),
        "params": training.net.params.copy(),
        "state": training.net.state.copy(),
        "slots": training.engine.slots.copy(),
        "epoch": training.epoch,
        "step": training.step,
        "active": training.active.copy(),
        "plateau": None if training.plateau is None else training.plateau.copy(),
        "best": None if best is None else {name: value.copy() for name, value in vars(best).items()},
        "awaits_data": training.net.awaits_data.copy(),
        "history": {name: list(values) for name, values in history.columns.items()},
        "recorded": list(history.epochs),
        "diverged": dict(history.diverged),
        "leg": training.leg,
        "best_epoch": np.copy(history.best_epoch) if training.net.size else history.best_epoch,
    }


def take_up(training: "Training", saved: Mapping[str, Any]) -> None:
    """Put back what `remembered` gave; everything is looked at before anything changes."""
    mine = remembered(training)
    missing = [name for name in mine if name not in saved]
    if missing:
        raise ValueError(f"state_dict lacks {', '.join(missing)}; expected what Training.state_dict() gave")
    for name, own in mine["of"].items():
        if saved["of"].get(name) != own:
            raise ValueError(f"state_dict is of another {name}: {saved['of'].get(name)}; this training has {own}")
    for name in ("params", "state", "slots", "active", "awaits_data"):
        if np.shape(saved[name]) != mine[name].shape:
            raise ValueError(f"state_dict: {name} has shape {np.shape(saved[name])}; expected {mine[name].shape}")
    net, history = training.net, training.history
    net.params, net.state = saved["params"], saved["state"]
    net.awaits_data[...] = saved["awaits_data"]
    training.engine.slots[...] = saved["slots"]
    training.epoch, training.step = int(saved["epoch"]), int(saved["step"])
    training.active = np.array(saved["active"])
    training.plateau = None if saved["plateau"] is None else np.array(saved["plateau"])
    if training.best is not None and saved["best"] is not None:
        vars(training.best).update({name: np.array(value) for name, value in saved["best"].items()})
    history.columns = {name: list(values) for name, values in saved["history"].items()}
    history.epochs = list(saved["recorded"])
    history.diverged = dict(saved["diverged"])
    history.best_epoch = saved["best_epoch"]
    training.leg = saved["leg"]


def _what_it_is_of(training: "Training") -> dict[str, str]:
    """What must be the same for the numbers to mean anything; rates may differ."""
    return {
        "network": repr(training.net.layers),
        "loss": repr(training.net.loss_rule),
        "seed": repr(np.asarray(training.net.seed).tolist()),
        "optimizer": type(training.optimizer).__name__,
        "schedule": training.schedule.name,
    }
