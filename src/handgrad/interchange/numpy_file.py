"""A network as one Python file that needs NumPy and nothing else: to read, and to predict where handgrad is not."""

import os
from collections.abc import Iterator
from pathlib import Path

import handgrad
from handgrad.activations import Formula
from handgrad.arrays import Array
from handgrad.files.disk import replace, require_place
from handgrad.interchange.answers import Answers, answers_of
from handgrad.interchange.door import Piece, pieces_of, require_inputs, require_single
from handgrad.interchange.formulas import activation_expression
from handgrad.interchange.numpy_source import function_source
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Residual
from handgrad.network import Network
from handgrad.preprocessing import NumericColumn

_NUMBERS_IN_A_LINE = 6


def to_numpy(net: Network, path: str | os.PathLike[str]) -> None:
    """Write a network as a Python file that predicts; it needs NumPy only, and can be read from top to bottom.

    The file is a module with `predict(rows)` and, for classes, `predict_proba(rows)`. A network with preprocessing
    takes raw rows: a dict of columns, a list of dicts, a DataFrame, or an array if all columns are numbers. A network
    without takes X (B, D). `predict` gives names where the network carries them, else what `net.predict` gives;
    `predict_proba` has one column for each name, or what `net.predict_proba` gives. Bad rows are refused with a
    ValueError. Run as a program, `python net.py rows.csv`, it prints one prediction for each row.

    Numbers are written so that they come back exactly.

    >>> import runpy, tempfile
    >>> import numpy as np
    >>> net = Network.mlp([2, 10, 2], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_numpy(net, f"{folder}/net.py")
    ...     module = runpy.run_path(f"{folder}/net.py")
    >>> bool(np.allclose(module["predict_proba"]([[0.5, -1.0]]), net.predict_proba([[0.5, -1.0]]), rtol=1e-12))
    True

    Raises
    ------
    TypeError
        `net` is not a network, or has a layer, or a loss, of a class of your own.
    ValueError
        It is a stack, a number in it is not finite, a formula of your own goes beyond the elementary functions, or a
        name has a NUL or a lone surrogate.
    OSError
        The file cannot be written.
    """
    place = require_place(path)
    replace(place, numpy_source(require_single(net), Path(path).stem).encode("utf-8"), "the export")


def numpy_source(net: Network, name: str = "net") -> str:
    """The content of the file, for a module of that name."""
    D, answers, pieces = require_inputs(net), answers_of(net), pieces_of(net)
    functions = _Functions(net.dtype.name)
    logits = _logits(pieces, functions)
    answering = _answers(net, answers, functions)
    parts = [
        _head(net, name, functions),
        _inputs(net, D),
        logits,
        answering,
        *functions.sources(),
        _main(net),
        "# --- what was learned ---",
        *_arrays(pieces),
        'if __name__ == "__main__":\n    main()',
    ]
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(net: Network, name: str, functions: "_Functions") -> str:
    rows = "X" if net.preprocessing is None else "rows"
    name = name if name.isidentifier() else "net"
    modules = [*(["csv"] if net.preprocessing is not None else []), *(["math"] if functions.needs_erfc else []), "sys"]
    imports = "\n".join(f"import {module}" for module in modules)
    return f'''"""{net!r}, written by handgrad {handgrad.__version__}; needs NumPy only.

    import {name}
    {name}.predict({rows})
"""

{imports}

import numpy as np

DTYPE = np.{net.dtype.name}


def numbers(rows, columns, text):
    return np.array(text.split(), dtype=np.float64).astype(DTYPE).reshape(rows, columns)'''


# --- inputs -----------------------------------------------------------------------------------------------------------

_MATRIX = '''
def inputs(X):
    """X (B, {D}), checked."""
    try:
        X = np.asarray(X, dtype=DTYPE)
    except (TypeError, OverflowError):
        raise ValueError("X has a value that is not a number") from None
    if X.ndim != 2 or X.shape[1] != {D} or not len(X):
        raise ValueError(f"X has shape {{X.shape}}; expected (B, {D}) with at least one row")
    if not np.isfinite(X).all():
        raise ValueError("X has a value that is not a finite number")
    return X
'''

_COLUMNS = '''
COLUMNS = [  # a number: name, mean, scale; a text: name, categories
{columns}
]
MISSING = ("none", "nan", "nat", "<na>")  # what tables have where there is no value, in words


def inputs(rows):
    """Raw rows as X (B, {D}): numbers standardised, texts one-hot."""
    if isinstance(rows, np.ndarray):
        texts = [name for name, *fitted in COLUMNS if len(fitted) == 1]
        if texts:
            raise ValueError(f"rows is an array but column {{texts[0]!r}} is text; expected a dict of columns")
        if rows.ndim != 2 or rows.shape[1] != len(COLUMNS):
            names = [name for name, *_ in COLUMNS]
            raise ValueError(f"rows has shape {{rows.shape}}; expected (B, {count}), the columns {{names}}")
        rows = {{column[0]: values for column, values in zip(COLUMNS, rows.T)}}
    if isinstance(rows, list):
        missing = [name for name, *_ in COLUMNS for row in rows if not isinstance(row, dict) or name not in row]
        if missing:
            raise ValueError(f"a row has no column {{missing[0]!r}}")
        rows = {{name: [row[name] for row in rows] for name, *_ in COLUMNS}}
    if not hasattr(rows, "keys"):
        raise ValueError(f"rows is {{rows!r}}; expected a dict of columns, a list of dicts or a DataFrame")
    missing = [name for name, *_ in COLUMNS if name not in rows]
    if missing:
        raise ValueError(f"rows has no column {{missing[0]!r}}")
    single = [name for name, *_ in COLUMNS if isinstance(rows[name], str) or not hasattr(rows[name], "__len__")]
    if single:
        raise ValueError(f"column {{single[0]!r}} is {{rows[single[0]]!r}}; expected a list, one value for each row")
    if not len(rows[COLUMNS[0][0]]):
        raise ValueError("rows has no rows; expected at least one")
    parts = [
        standardise(rows[name], name, *fitted) if len(fitted) == 2 else one_hot(rows[name], name, *fitted)
        for name, *fitted in COLUMNS
    ]
    return np.hstack(parts).astype(DTYPE)


def standardise(values, name, mean, scale):
    v = np.array([as_number(value, name) for value in values])
    with np.errstate(over="ignore"):
        x = (v - mean) / scale
    if not np.isfinite(x).all():
        raise ValueError(f"column {{name!r}} has a value that is not a finite number")
    return x[:, None]


def as_number(value, name):
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"column {{name!r}} has {{value!r}}; expected a finite number") from None


def one_hot(values, name, categories):
    missing = [value for value in values if not isinstance(value, str) and str(value).lower() in MISSING]
    if missing:
        raise ValueError(f"column {{name!r}} has no value in a row, but {{missing[0]!r}}; fill or drop such rows first")
    texts = [str(value) for value in values]
    strange = [text for text in texts if text not in categories]
    if strange:
        raise ValueError(f"column {{name!r}} has the category {{strange[0]!r}}; expected one of {{list(categories)}}")
    return np.array([[float(text == category) for category in categories] for text in texts])
'''


def _inputs(net: Network, D: int) -> str:
    if net.preprocessing is None:
        return _MATRIX.format(D=D)
    columns = net.preprocessing.columns
    described = [
        (each.name, each.mean, each.scale) if isinstance(each, NumericColumn) else (each.name, each.categories)
        for each in columns
    ]
    lines = "\n".join(f"    {each!r}," for each in described)
    return _COLUMNS.format(columns=lines, D=D, count=len(columns))


# --- layers -----------------------------------------------------------------------------------------------------------


class _Functions:
    """The elementwise functions that the file defines, each once."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self._by_source: dict[str, str] = {}

    def name(self, word: str, expression: object) -> str:
        """The name under which the file defines an expression."""
        body = function_source("", expression, self.dtype)  # type: ignore[arg-type]
        taken = self._by_source.values()
        if body not in self._by_source:
            numbered = (f"{word}_{number}" for number in range(2, len(taken) + 3))
            self._by_source[body] = word if word not in taken else next(each for each in numbered if each not in taken)
        return self._by_source[body]

    def activation(self, rule: Formula) -> str:
        """The name of the function of an activation."""
        return self.name(f"apply_{rule.name}", activation_expression(rule))

    def sources(self) -> list[str]:
        """Their definitions, and of what NumPy lacks."""
        written = [body.replace("def (", f"def {name}(", 1) for body, name in self._by_source.items()]
        return [*written, _ERFC] if self.needs_erfc else written

    @property
    def needs_erfc(self) -> bool:
        """Whether one of them calls erfc."""
        return any("erfc(" in body for body in self._by_source)


_ERFC = '''
def erfc(z):
    """1 - erf(z), which NumPy lacks."""
    return np.reshape([math.erfc(each) for each in z.ravel()], z.shape).astype(z.dtype)
'''


def _logits(pieces: tuple[Piece, ...], functions: _Functions) -> str:
    lines = [line for piece in pieces for line in _lines(piece, functions)]
    body = "\n".join(f"    {line}" for line in lines)
    return f'def logits(A):\n    """What the layers make of X (B, D): (B, C)."""\n{body}\n    return A'


def _lines(piece: Piece, functions: _Functions) -> Iterator[str]:
    """The code of one layer, from A to A."""
    layer, name = piece.layer, piece.name
    if isinstance(layer, Dense):
        yield f"A = A @ {name}_W" + (f" + {name}_b" if layer.bias else "")
    elif isinstance(layer, Activation):
        yield f"A = {functions.activation(layer.formula)}(A)"
    elif isinstance(layer, BatchNorm):
        yield f"A = (A - {name}_mean) / np.sqrt({name}_variance + {layer.epsilon!r})"
        yield f"A = {name}_gain * A + {name}_shift"
    elif isinstance(layer, LayerNorm):
        yield "A = A - A.mean(axis=1, keepdims=True)"
        yield f"A = A / np.sqrt((A * A).mean(axis=1, keepdims=True) + {layer.epsilon!r})"
        yield f"A = {name}_gain * A + {name}_shift"
    elif isinstance(layer, Residual):
        yield f"skipped_{name} = A"
        for inner in piece.inner:
            yield from _lines(inner, functions)
        yield f"A = skipped_{name} + A"
    else:
        assert isinstance(layer, Dropout), layer  # which does nothing in prediction


def _arrays(pieces: tuple[Piece, ...]) -> Iterator[str]:
    for piece in pieces:
        yield from (_array(f"{piece.name}_{key}", array) for key, array in piece.arrays.items())
        yield from _arrays(piece.inner)


def _array(name: str, array: Array) -> str:
    """An array by the shortest texts that give back its numbers."""
    texts = [repr(float(each)) for each in array.ravel()]
    starts = range(0, len(texts), _NUMBERS_IN_A_LINE)
    lines = "\n".join(" ".join(texts[start : start + _NUMBERS_IN_A_LINE]) for start in starts)
    rows, columns = array.shape
    return f'{name} = numbers({rows}, {columns}, """\n{lines}\n""")'


# --- answers ----------------------------------------------------------------------------------------------------------


def _answers(net: Network, answers: Answers, functions: _Functions) -> str:
    argument = "X" if net.preprocessing is None else "rows"
    output = "softmax" if answers.output is None else functions.name(f"output_{net.loss_rule.name}", answers.output)
    if answers.task == "values":
        return (
            f'def predict({argument}):\n    """The values (B, {answers.outputs})."""\n'
            f"    return {output}(logits(inputs({argument})))"
        )
    texts = {
        ("classes", False): ("The class indices (B,).", "logits({0}).argmax(axis=1)"),
        ("classes", True): ("The names of the classes (B,).", "np.array(CLASSES)[logits({0}).argmax(axis=1)]"),
        ("labels", False): (f"0 or 1 for each label, (B, {answers.outputs}).", "(logits({0}) > 0).astype(np.int64)"),
        ("labels", True): ("The names of the classes (B,).", "np.array(CLASSES)[(logits({0})[:, 0] > 0).astype(int)]"),
    }
    told, code = texts[answers.task, answers.names is not None]
    p = f"{output}(logits(inputs({argument})))"
    probabilities = f"    p = {p}\n    return np.hstack([1 - p, p])" if answers.named_pair else f"    return {p}"
    columns = 2 if answers.named_pair else answers.outputs
    parts = [
        f'def predict({argument}):\n    """{told}"""\n    return {code.format(f"inputs({argument})")}',
        f'def predict_proba({argument}):\n    """The probabilities (B, {columns})."""\n{probabilities}',
    ]
    if answers.names is not None:
        parts.insert(0, f"CLASSES = {list(answers.names)!r}")
    return "\n\n\n".join([*parts, _SOFTMAX.strip()] if answers.output is None else parts)


_SOFTMAX = """
def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)
"""

_MAIN = '''
def main():
    """Print one prediction for each row of a CSV file{header}."""
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        rows = {read}
    for answer in predict(rows):
        print(*np.atleast_1d(answer), sep=",")
'''


def _main(net: Network) -> str:
    if net.preprocessing is None:
        return _MAIN.format(header=" of numbers, without a header", read='np.loadtxt(file, delimiter=",", ndmin=2)')
    return _MAIN.format(header=" with a header", read="list(csv.DictReader(file))")
