"""Whether an exported file predicts what the network predicts: it is loaded again and asked."""

import os
import runpy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.interchange.answers import Answers, answers_of
from handgrad.interchange.door import require_library
from handgrad.network import Network
from handgrad.preprocessing import NumericColumn, Preprocessing
from handgrad.randomness import generator

_ROWS = 64
_TOLERANCE = 1e-6  # of the largest number, or of 1
_OWN_ROUNDING = 10  # a single precision network may differ by so many times what it is off itself


class Comparison(NamedTuple):
    """How far a file's predictions are from the network's, on so many rows."""

    rows: int
    difference: float  # the largest, relative to the largest number or 1
    tolerance: float
    labels: int  # labels that differ though no other was as probable

    @property
    def passed(self) -> bool:
        """Whether the file predicts the same."""
        return self.difference <= self.tolerance and self.labels == 0


def compare(net: Network, path: str | os.PathLike[str], to: str) -> Comparison:
    """Ask the file and the network for predictions of the same rows: one at the mean, the others drawn around it."""
    rows, answers = probes(net), answers_of(net)
    X = rows if net.preprocessing is None else net.preprocessing.transform(rows)
    labels, expected = answers.expected(net, X)
    found_labels, found = _READERS[to](net, answers, path, rows, X)
    scale = max(1.0, float(np.abs(expected).max()))
    difference = float(np.abs(np.asarray(found, np.float64).reshape(expected.shape) - expected).max()) / scale
    tolerance = max(_TOLERANCE, _OWN_ROUNDING * _own_rounding(net, answers, X, expected) / scale)
    wrong = 0
    if labels is not None and found_labels is not None:
        clear = _clear(answers, expected, tolerance)
        wrong = int(np.sum((np.asarray(found_labels, dtype=labels.dtype) != labels) & clear))
    return Comparison(len(X), difference, tolerance, wrong)


def probes(net: Network, rows: int = _ROWS) -> Any:
    """Raw rows that a network can take: a DataFrame where it has preprocessing, X otherwise."""
    draws = generator(0, "rows to compare exports on")
    if net.preprocessing is None:
        X = draws.standard_normal((rows, net.fan_in or 1)).astype(net.dtype)
        X[0] = 0
        return X
    import pandas as pd

    return pd.DataFrame({column.name: _values(column, rows, draws) for column in net.preprocessing.columns})


def _values(column: Any, rows: int, draws: np.random.Generator) -> Array:
    if isinstance(column, NumericColumn):
        z = draws.standard_normal(rows)
        z[0] = 0
        return column.mean + column.scale * z
    return np.resize(np.array(column.categories, dtype=object), rows)


def _own_rounding(net: Network, answers: Answers, X: Array, expected: Array) -> float:
    """How far a single precision network is from the same in double precision."""
    if net.dtype == np.float64:
        return 0.0
    return float(np.abs(answers.expected(net.astype("float64"), X)[1] - expected).max())


def _clear(answers: Answers, p: Array, tolerance: float) -> Array:
    """Where the label does not hang on rounding."""
    if answers.task == "labels" and not answers.named_pair:
        return np.abs(p - 0.5) > tolerance
    if p.shape[1] == 1:
        return np.ones(len(p), dtype=bool)
    ordered = np.sort(p, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2] > 2 * tolerance)


# --- how each kind of file is read ------------------------------------------------------------------------------------


def _ask_onnx(net: Network, answers: Answers, path: Any, rows: Any, X: Array) -> tuple[Array | None, Array]:
    runtime = require_library("onnxruntime", "checking an ONNX file")
    session = runtime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    given = {"X": X} if net.preprocessing is None else onnx_inputs(net.preprocessing, rows)
    results = session.run(None, given)
    return (None, results[0]) if answers.task == "values" else (results[0], results[1])


def onnx_inputs(preprocessing: Preprocessing, rows: Any) -> dict[str, Array]:
    """The raw columns (B, 1) as an exported ONNX file takes them: numbers as float64, text as strings."""
    return {
        column.name: rows[[column.name]].to_numpy(np.float64 if isinstance(column, NumericColumn) else object)
        for column in preprocessing.columns
    }


def _ask_torch(net: Network, answers: Answers, path: Any, rows: Any, X: Array) -> tuple[Array | None, Array]:
    import torch

    from handgrad.interchange.torch_out import to_torch

    module = to_torch(net)
    module.load_state_dict(torch.load(path, weights_only=True)["state_dict"])  # strictly: the file must hold all
    with torch.no_grad():
        logits = module(torch.from_numpy(np.ascontiguousarray(X, net.dtype))).numpy()
    p = net.loss_rule.output(logits)
    return None, np.hstack([1 - p, p]) if answers.named_pair else p


def _ask_sklearn(net: Network, answers: Answers, path: Any, rows: Any, X: Array) -> tuple[Array | None, Array]:
    import joblib

    estimator = joblib.load(path)
    if answers.task == "values":
        return None, estimator.predict(rows)
    p = estimator.predict_proba(rows)
    if answers.names is not None:
        classes = list(estimator.classes_)
        p = p[:, [classes.index(name) for name in answers.names]]
    if answers.task == "labels" and answers.outputs == 1 and not answers.named_pair:
        return estimator.predict(rows)[:, None], p[:, 1:]
    return estimator.predict(rows), p


def _ask_numpy(net: Network, answers: Answers, path: Any, rows: Any, X: Array) -> tuple[Array | None, Array]:
    module = runpy.run_path(os.fspath(path))
    if answers.task == "values":
        return None, module["predict"](rows)
    return module["predict"](rows), module["predict_proba"](rows)


_READERS: dict[str, Callable[..., tuple[Array | None, Array]]] = {
    "onnx": _ask_onnx,
    "torch": _ask_torch,
    "sklearn": _ask_sklearn,
    "numpy": _ask_numpy,
}
