"""What the page is told at once: the state of a run, and the columns of a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.mistakes import MISTAKES
from handgrad.losses import Loss, losses
from handgrad.playground.limits import Limits
from handgrad.playground.run import Run
from handgrad.playground.scene import Scene
from handgrad.playground.tables import read_table
from handgrad.playground.units import SHOWN_LAYERS, SHOWN_UNITS, Drawn
from handgrad.preprocessing import NumericColumn

_POINTS = 2_000  # of each part that are drawn


def state(run: Run, drawn: Sequence[Drawn], theory: list[float] | None) -> dict[str, Any]:
    """What the page must know whenever the document has changed."""
    document, scene = run.document.without_start(), run.scene
    return {
        "kind": "state",
        "document": document,
        "layers": _layers(drawn),
        "inputs": list(scene.inputs),
        "parameters": _parameters(run),
        "scene": _scene(scene),
        "metric": "r2" if scene.classes is None else "accuracy",
        "loss": repr(scene.loss),
        "total_parameters": run.net.layout.size,
        "theory": None if theory is None else {"variance": theory},
        "mistakes": [each.name for each in MISTAKES.values() if each.applies(run.right)],
        "unfitting": [rule.name for rule in losses if not _fits(rule, scene)],
    }


def columns(csv: Any, limits: Limits) -> dict[str, Any]:
    """What the columns of a table are."""
    if not isinstance(csv, str):
        raise ValueError("csv is no text")
    limits.require("csv_bytes", len(csv), f"csv has {len(csv):,} characters")
    frame = read_table(csv, limits)
    found = [
        {"name": str(name), "numeric": values.dtype.kind in "fiu", "distinct": int(values.nunique())}
        for name, values in frame.items()
    ]
    return {"kind": "columns", "columns": found, "rows": len(frame)}


def _layers(drawn: Sequence[Drawn]) -> list[dict[str, Any]]:
    last = len(drawn) - 1
    return [
        {
            "name": each.name,
            "role": "output" if index == last else "hidden",
            "index": index,
            "units": each.units,
            "shown": min(each.units, SHOWN_UNITS) if index == last or index < SHOWN_LAYERS else 0,
            "activation": each.activation,
            "weights": f"{each.name}.W",
            "biases": f"{each.name}.b" if each.bias else None,
            "from": "inputs" if index == 0 else drawn[index - 1].name,
            "residual": each.residual,
        }
        for index, each in enumerate(drawn)
    ]


def _parameters(run: Run) -> list[dict[str, Any]]:
    mask = run.training.settings.frozen
    return [
        {
            "name": segment.name,
            "shape": list(segment.shape),
            "start": segment.start,
            "frozen": bool(mask is not None and mask[segment.start : segment.stop].all()),
        }
        for segment in run.net.layout.segments
    ]


def _scene(scene: Scene) -> dict[str, Any]:
    y = np.concatenate([scene.raw_train.y, scene.raw_test.y])
    return {
        "kind": scene.kind,
        "window": list(scene.plane.window),
        "axes": list(scene.plane.axes),
        "classes": None if scene.classes is None else list(scene.classes),
        "train": _part(scene.points[0], scene.raw_train.y),
        "test": _part(scene.points[1], scene.raw_test.y),
        "rows": {"train": len(scene.train.X), "test": len(scene.test.X)},
        "columns": list(scene.raw_train.feature_names),
        "image": [8, 8] if scene.kind == "images" else None,
        "values": [float(y.min()), float(y.max())] if scene.classes is None else None,
        "target_scale": list(scene.target_scale),
        "input_scale": _input_scale(scene),
        "left_out": {"columns": list(scene.left_out.columns), "rows": scene.left_out.rows},
    }


def _input_scale(scene: Scene) -> list[list[float]] | None:
    """Mean and scale of the plane's two columns, with which the network takes them; None where there are others."""
    columns = () if scene.raw_train.preprocessing is None else scene.raw_train.preprocessing.columns
    numeric = [each for each in columns if isinstance(each, NumericColumn)]
    return [[each.mean, each.scale] for each in numeric] if len(columns) == len(numeric) == 2 else None


def _fits(rule: Loss, scene: Scene) -> bool:
    """Whether the loss suits what is predicted; for classes a loss of numbers gets a 0/1 target of each."""
    return rule.target == "values" or (scene.classes is not None and rule.target in ("classes", "labels"))


def _part(points: Array, y: Array) -> dict[str, Any]:
    return {"points": np.round(points[:_POINTS], 6).tolist(), "y": y[:_POINTS].tolist()}
