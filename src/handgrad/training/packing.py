"""A checkpoint as bytes, and back: what training remembers as named tensors, and its conditions as JSON.

What comes back is looked at before anything is read: names, shapes and types of all tensors follow from the training
that takes them up, so that a file can neither ask for room nor bring in anything that training does not have.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors import SafetensorError

from handgrad.arrays import Array, require_integer
from handgrad.files.container import CHECKPOINT, opened, pack, read_description, read_tensors, require_undamaged
from handgrad.training.conditions import require_same
from handgrad.training.resuming import remembered

if TYPE_CHECKING:
    from handgrad.training.training import Training

Shapes = dict[str, tuple[tuple[int, ...], str]]

_BEST = ("value", "waited", "epoch", "params", "state")
_KEYS = ("conditions", "start", "epochs", "epoch", "step", "columns", "recorded", "diverged", "leg")
_MOST = 2**53  # of epochs, steps and rows
_ENVELOPE = ("format", "schema", "sha256")


class Saved(NamedTuple):
    """What a file holds: the numbers beside the tensors, and what `state_dict` would have given."""

    description: Mapping[str, Any]
    state: Mapping[str, Any]


# --- to a file --------------------------------------------------------------------------------------------------------


def packed(training: "Training", made_by: Mapping[str, str], start: str) -> bytes:
    """The bytes of a checkpoint of that training, with its conditions and what its network began with."""
    state = remembered(training)
    leg = state["leg"]
    description = {
        "conditions": dict(made_by),
        "start": start,
        "epochs": training.epochs,
        "epoch": state["epoch"],
        "step": state["step"],
        "columns": list(state["history"]),
        "recorded": len(state["recorded"]),
        "diverged": len(state["diverged"]),
        "leg": None if leg is None else leg[0],
    }
    tensors = {name: state[name] for name in ("params", "state", "slots", "active", "awaits_data")}
    tensors |= {"recorded": np.array(state["recorded"], dtype=np.int64)}
    tensors |= {"diverged": np.array([(n, *when) for n, when in state["diverged"].items()], np.int64).reshape(-1, 3)}
    lead = () if training.net.size is None else (training.net.size,)
    for name, values in state["history"].items():
        tensors[f"history.{name}"] = np.array(values, dtype=np.float64).reshape(len(values), *lead)
    if state["plateau"] is not None:
        tensors["plateau"] = state["plateau"]
    if state["best"] is not None:
        tensors |= {f"best.{name}": state["best"][name] for name in _BEST}
    if leg is not None:
        tensors["leg"] = leg[1]
    return pack(description, {name: np.ascontiguousarray(each) for name, each in tensors.items()}, CHECKPOINT)


# --- from a file ------------------------------------------------------------------------------------------------------


def unpacked(file: Path, training: "Training", made_by: Mapping[str, str]) -> Saved:
    """What that file holds for that training, whose conditions are `made_by`.

    Raises
    ------
    ValueError
        It is truncated, damaged, or no checkpoint; OtherTrainingError: it is whole, and of another training.
    OSError
        It cannot be read.
    """
    try:
        with opened(file) as content:
            return _read(content, training, made_by)
    except SafetensorError as error:
        raise ValueError(f"it is not a safetensors file, or is truncated or damaged ({error})") from error
    except (TypeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _read(content: Any, training: "Training", made_by: Mapping[str, str]) -> Saved:
    description = read_description(content, CHECKPOINT)
    _require_description(description)
    try:
        _require_columns(description, training)
        tensors = read_tensors(content, _expected(description, training))
    except ValueError:
        require_same(description["conditions"], made_by)  # which says more of what is different
        raise
    require_undamaged(description, tensors)
    require_same(description["conditions"], made_by)
    _require_values(description, tensors, training)
    return Saved(description, _as_remembered(description, tensors, training))


def _require_description(description: Mapping[str, Any]) -> None:
    """Refuse numbers that no training could have."""
    if set(description) != {*_ENVELOPE, *_KEYS}:
        raise ValueError(f"its description has the keys {list(description)}; expected {', '.join(_KEYS)}")
    for name in ("epochs", "epoch", "step", "recorded", "diverged", *(() if description["leg"] is None else ("leg",))):
        if require_integer(name, description[name], at_least=0) > _MOST:
            raise ValueError(f"its {name} is beyond {_MOST:,}, which nobody has counted to")
    said = description["conditions"], description["start"]
    if not isinstance(said[0], dict) or not isinstance(said[1], str):
        raise ValueError(f"its conditions are {said!r}; expected an object and a text")


def _require_columns(description: Mapping[str, Any], training: "Training") -> None:
    """Refuse a history with other curves than this training records."""
    columns = description["columns"]
    if not isinstance(columns, list) or not all(isinstance(each, str) for each in columns):
        raise ValueError(f"its columns are {columns!r}; expected names")
    known = set(training.history.columns) if description["recorded"] == 0 else _columns(training)
    if len(columns) != len(known) or set(columns) != known:
        raise ValueError(f"its columns are {columns!r}; expected {', '.join(sorted(known))}")


def _columns(training: "Training") -> set[str]:
    """The names of what this training records."""
    names = [metric.name for metric in training.metrics]
    validation = [] if training.validation is None else ["validation_loss", *(f"validation_{each}" for each in names)]
    return {"loss", "learning_rate", *names, *validation}


def _expected(description: Mapping[str, Any], training: "Training") -> Shapes:
    """The shape and type of each tensor."""
    net, networks = training.net, len(training.active)
    kind = {"float64": "F64", "float32": "F32"}[net.dtype.name]
    lead = () if net.size is None else (net.size,)
    rows = description["recorded"]
    shapes: Shapes = {
        "params": (net.params.shape, kind),
        "state": (net.state.shape, kind),
        "slots": (training.engine.slots.shape, kind),
        "active": ((networks,), "BOOL"),
        "awaits_data": (net.awaits_data.shape, "BOOL"),
        "recorded": ((rows,), "I64"),
        "diverged": ((description["diverged"], 3), "I64"),
    }
    shapes |= {f"history.{name}": ((rows, *lead), "F64") for name in description["columns"]}
    if training.plateau is not None:
        shapes["plateau"] = (training.plateau.shape, "F64")
    if training.best is not None:
        kinds = {"value": "F64", "waited": "I64", "epoch": "I64", "params": kind, "state": kind}
        shapes |= {f"best.{name}": (getattr(training.best, name).shape, kinds[name]) for name in _BEST}
    if description["leg"] is not None:
        shapes["leg"] = (net.params.shape, kind)
    return shapes


def _require_values(description: Mapping[str, Any], tensors: Mapping[str, Array], training: "Training") -> None:
    """Refuse what is not finite, and epochs and networks that there are not."""
    for name in ("params", "state", "slots", "best.params", "best.state", "leg"):
        if name in tensors and not np.isfinite(tensors[name]).all():
            raise ValueError(f"{name} has values that are not finite; expected none")
    epochs, diverged = tensors["recorded"], tensors["diverged"]
    if (np.diff(epochs, prepend=0) < 1).any() or (epochs > description["epoch"]).any():
        raise ValueError(f"the recorded epochs are not in order, or beyond epoch {description['epoch']}")
    if ((diverged < [0, 1, 1]) | (diverged[:, :1] >= len(training.active))).any():
        raise ValueError(f"diverged names a network that there is not; expected 0 to {len(training.active) - 1}")


def _as_remembered(
    description: Mapping[str, Any], tensors: Mapping[str, Array], training: "Training"
) -> dict[str, Any]:
    """In the form of `state_dict`."""
    best = {name: tensors[f"best.{name}"] for name in _BEST} if training.best is not None else None
    epoch_of_best = None
    if best is not None and description["epoch"]:
        epoch_of_best = best["epoch"] if training.net.size is not None else int(best["epoch"][0])
    history = {name: list(tensors[f"history.{name}"]) for name in description["columns"]}
    return {name: tensors[name] for name in ("params", "state", "slots", "active", "awaits_data")} | {
        "epoch": description["epoch"],
        "step": description["step"],
        "plateau": tensors.get("plateau"),
        "best": best,
        "history": history,
        "recorded": tensors["recorded"].tolist(),
        "diverged": {int(network): (int(epoch), int(step)) for network, epoch, step in tensors["diverged"]},
        "best_epoch": epoch_of_best,
        "leg": None if description["leg"] is None else (description["leg"], tensors["leg"]),
    }
