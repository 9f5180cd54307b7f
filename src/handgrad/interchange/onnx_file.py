"""A network as an ONNX file, with everything from the raw columns to the names of the classes inside."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

import handgrad
from handgrad.arrays import Array
from handgrad.files.disk import replace, require_place
from handgrad.interchange.answers import Answers, answers_of
from handgrad.interchange.door import Piece, pieces_of, require_inputs, require_library, require_single
from handgrad.interchange.formulas import activation_expression
from handgrad.interchange.onnx_graph import Graph
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm, Residual
from handgrad.network import Network
from handgrad.preprocessing import Column, NumericColumn, Preprocessing

_OPSETS = {"": 18, "ai.onnx.ml": 3}  # 2022; every later runtime reads them
_IR_VERSION = 8  # of the same time
_LARGEST = 2**31 - 2**20  # bytes of parameters: protobuf has room for 2³¹ - 1, with the graph and the names


def to_onnx(net: Network, path: str | os.PathLike[str]) -> None:
    """Write a network as an ONNX file that predicts from raw rows, for any runtime, in the network's precision.

    Inputs: a network with preprocessing takes each raw column under its own name, (B, 1): numbers as float64, which
    are standardised in the file, text as strings, of which a category that is not known is an error. A network
    without takes `X` (B, D) in its own precision. B may differ from call to call.

    Outputs: `label` (B,), the name of the class, or its index where the network carries no names, and
    `probabilities` (B, C); with sigmoid outputs and no names `label` is 0 or 1 for each, (B, C). A network for values
    gives `value` (B, C). An output whose name a column has already is called `label_`, and so on.

    Dropout is left out, and batch norm uses its running statistics. Activations are written from their formulas, your
    own too. What a network knows for training only (penalty, initialisers, seed) stays behind.

    >>> import tempfile, onnxruntime
    >>> net = Network.mlp([2, 10, 2], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_onnx(net, f"{folder}/net.onnx")
    ...     session = onnxruntime.InferenceSession(f"{folder}/net.onnx", providers=["CPUExecutionProvider"])
    >>> X = np.array([[0.5, -1.0]])
    >>> label, probabilities = session.run(None, {"X": X})
    >>> bool(np.allclose(probabilities, net.predict_proba(X))), label.shape
    (True, (1,))

    Raises
    ------
    ModuleNotFoundError
        onnx is not installed; `pip install 'handgrad[onnx]'` brings it.
    TypeError
        `net` is not a network, or has a layer, or a loss, of a class of your own.
    ValueError
        It is a stack, a number in it is not finite, a formula of your own goes beyond the elementary functions, a name
        has a NUL or a lone surrogate, or there are more than 2 GB of parameters, which an ONNX file cannot hold.
    OSError
        The file cannot be written.
    """
    place = require_place(path)
    replace(place, onnx_bytes(require_single(net)), "the export")


def onnx_bytes(net: Network) -> bytes:
    """The content of the file."""
    onnx = require_library("onnx", "to_onnx")
    _require_room(net)
    graph, answers = Graph(net.dtype), answers_of(net)
    inputs, X = _inputs(graph, net)
    outputs = _outputs(graph, answers, _through(graph, pieces_of(net), X), [each.name for each in inputs])
    made = onnx.helper.make_graph(graph.nodes, "handgrad", inputs, outputs, graph.initializers)
    model = onnx.helper.make_model(
        made,
        producer_name="handgrad",
        producer_version=handgrad.__version__,
        doc_string=repr(net),
        ir_version=_IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()],
    )
    onnx.helper.set_model_props(model, _facts(net, answers))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def _require_room(net: Network) -> None:
    size = net.params.nbytes + net.state.nbytes
    if size > _LARGEST:
        narrower = ", net.astype('float32') is half as large" if net.dtype == np.float64 else ""
        raise ValueError(
            f"net has {size:,} bytes of parameters; an ONNX file holds 2 GB, which is protobuf's limit{narrower}; "
            "to_torch has no such limit"
        )


def _facts(net: Network, answers: Answers) -> dict[str, str]:
    """What the file says of itself."""
    facts = {"handgrad": handgrad.__version__, "task": answers.task, "loss": str(net.loss_rule)}
    if answers.names is not None:
        facts["class_names"] = json.dumps(answers.names, ensure_ascii=False)
    if net.preprocessing is not None:
        facts["target_name"] = net.preprocessing.target_name
    return facts


# --- inputs -----------------------------------------------------------------------------------------------------------


def _inputs(graph: Graph, net: Network) -> tuple[list[Any], str]:
    """What the graph takes, and X (B, D) made of it."""
    D, preprocessing = require_inputs(net), net.preprocessing
    graph.place = "handgrad/inputs"
    if preprocessing is None:
        return [_value(graph, "X", net.dtype, ["B", D])], "X"
    _require_names(preprocessing)
    types = [np.dtype(np.float64 if isinstance(c, NumericColumn) else object) for c in preprocessing.columns]
    named = zip(preprocessing.columns, types, strict=True)
    return [_value(graph, c.name, dtype, ["B", 1]) for c, dtype in named], _encoded(graph, preprocessing.columns)


def _encoded(graph: Graph, columns: Sequence[Column]) -> str:
    """X (B, D) in the network's precision: numbers standardised, neighbours together, and text one-hot."""
    parts = []
    for kind, group in groupby(columns, type):
        neighbours = list(group)
        parts += _standardised(graph, neighbours) if kind is NumericColumn else _one_hot(graph, neighbours)
    X = graph.node("Concat", *parts, axis=1)
    return X if graph.dtype == np.float64 else graph.cast(X, graph.dtype)


def _standardised(graph: Graph, columns: Sequence[Any]) -> list[str]:
    """(v - mean) / scale, in double precision."""
    v = graph.node("Concat", *(column.name for column in columns), axis=1)  # (B, columns)
    mean, scale = ([getattr(column, name) for column in columns] for name in ("mean", "scale"))
    centred = graph.node("Sub", v, graph.constant(mean, np.float64))
    return [graph.node("Div", centred, graph.constant(scale, np.float64))]


def _one_hot(graph: Graph, columns: Iterable[Any]) -> list[str]:
    """One column for each category; `zeros=0` makes a category that is not known an error."""
    parts = []
    for column in columns:
        categories = list(column.categories)
        hot = graph.node("OneHotEncoder", column.name, domain="ai.onnx.ml", cats_strings=categories, zeros=0)
        flat = graph.node("Reshape", hot, graph.constant([-1, len(categories)], np.int64))
        parts.append(graph.cast(flat, np.float64))
    return parts


def _require_names(preprocessing: Preprocessing) -> None:
    names = [column.name for column in preprocessing.columns]
    bad = next((name for name in names if not name or names.count(name) > 1 or name.startswith("handgrad/")), None)
    if bad is not None:
        raise ValueError(f"net.preprocessing has a column named {bad!r}; ONNX inputs need names, all different")


def _value(graph: Graph, name: str, dtype: np.dtype[Any], shape: list[Any]) -> Any:
    """The description of an input or output."""
    tensor = graph.onnx.helper
    kind = graph.onnx.TensorProto.STRING if dtype.kind == "O" else tensor.np_dtype_to_tensor_dtype(dtype)
    return tensor.make_tensor_value_info(name, kind, shape)


# --- layers -----------------------------------------------------------------------------------------------------------


def _through(graph: Graph, pieces: Iterable[Piece], A: str) -> str:
    """The value after all these layers."""
    for piece in pieces:
        graph.place = f"handgrad/{piece.name}"
        A = _WRITERS[type(piece.layer)](graph, piece, A)
    return A


def _dense(graph: Graph, piece: Piece, A: str) -> str:
    """Z = A W + b."""
    Z = graph.node("MatMul", A, graph.constant(piece.arrays["W"]))
    return graph.node("Add", Z, graph.constant(piece.arrays["b"])) if "b" in piece.arrays else Z


def _activation(graph: Graph, piece: Piece, Z: str) -> str:
    """A = f(Z)."""
    return graph.elementwise(activation_expression(piece.layer.formula), Z)  # type: ignore[attr-defined]


def _dropout(graph: Graph, piece: Piece, A: str) -> str:
    """The identity: nothing is dropped in prediction mode."""
    return A


def _layer_norm(graph: Graph, piece: Piece, A: str) -> str:
    """Y = gain ⊙ (A - μ) / σ + shift, over the units of each row."""
    axes = graph.constant([1], np.int64)
    centred = graph.node("Sub", A, graph.node("ReduceMean", A, axes))
    variance = graph.node("ReduceMean", graph.node("Mul", centred, centred), axes)  # (B, 1)
    epsilon = graph.constant(piece.layer.epsilon)  # type: ignore[attr-defined]
    deviation = graph.node("Sqrt", graph.node("Add", variance, epsilon))
    return _scaled(graph, piece, graph.node("Div", centred, deviation))


def _batch_norm(graph: Graph, piece: Piece, A: str) -> str:
    """The same with the running mean and variance of each unit."""
    deviation: Array = np.sqrt(piece.arrays["variance"] + piece.layer.epsilon)  # type: ignore[attr-defined]
    centred = graph.node("Sub", A, graph.constant(piece.arrays["mean"]))
    return _scaled(graph, piece, graph.node("Div", centred, graph.constant(deviation)))


def _scaled(graph: Graph, piece: Piece, normed: str) -> str:
    scaled = graph.node("Mul", normed, graph.constant(piece.arrays["gain"]))
    return graph.node("Add", scaled, graph.constant(piece.arrays["shift"]))


def _residual(graph: Graph, piece: Piece, A: str) -> str:
    """Y = A + F(A)."""
    F = _through(graph, piece.inner, A)
    graph.place = f"handgrad/{piece.name}"
    return graph.node("Add", A, F)


_WRITERS: dict[type[Layer], Callable[[Graph, Piece, str], str]] = {
    Dense: _dense,
    Activation: _activation,
    Dropout: _dropout,
    LayerNorm: _layer_norm,
    BatchNorm: _batch_norm,
    Residual: _residual,
}


# --- outputs ----------------------------------------------------------------------------------------------------------


def _outputs(graph: Graph, answers: Answers, Z: str, taken: list[str]) -> list[Any]:
    """What the graph gives, computed from the logits."""
    graph.place = "handgrad/outputs"

    def output(name: str, value: str, dtype: Any, shape: list[Any]) -> Any:
        while name in taken:
            name += "_"
        graph.give(name, "Identity", value)
        return _value(graph, name, np.dtype(dtype), shape)

    C = answers.outputs
    P = graph.node("Softmax", Z, axis=1) if answers.output is None else graph.elementwise(answers.output, Z)
    if answers.task == "values":
        return [output("value", P, graph.dtype, ["B", C])]
    index = _index(graph, answers, Z)
    if answers.named_pair:
        P, C = graph.node("Concat", graph.node("Sub", graph.constant([[1.0]]), P), P, axis=1), 2
    if answers.names is not None:
        name = graph.node("Gather", graph.constant(np.array(answers.names, dtype=object), object), index)
        label = output("label", name, object, ["B"])
    else:
        label = output("label", index, np.int64, ["B"] if answers.task == "classes" else ["B", C])
    return [label, output("probabilities", P, graph.dtype, ["B", C])]


def _index(graph: Graph, answers: Answers, Z: str) -> str:
    """The most probable class (B,), or 0 or 1 for each label (B, C)."""
    if answers.task == "classes":
        return graph.node("ArgMax", Z, axis=1, keepdims=0)
    positive = graph.cast(graph.node("Greater", Z, graph.constant(0.0)), np.int64)
    return graph.node("Squeeze", positive, graph.constant([1], np.int64)) if answers.named_pair else positive
