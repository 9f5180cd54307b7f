"""Gradients of other published libraries under the checker: thinc, mlxtend and EpyNN.

    pip install thinc mlxtend
    pip install --no-deps epynn          # it asks for old versions of what it does not need here
    python examples/audit_others.py

What is not installed is left out, and said so. Each case asks a library for a value and for what its own code takes
for that value's gradient; the verdicts, the errors and the factors come from the checker's reports. Why they are what
they are stands beside each case, as read in the library's source.
"""

import importlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

import handgrad as hg

ROWS = (8, 12)  # every case at both: a factor may go with the number of rows
FEATURES, CLASSES = 4, 3
Triple = tuple[Callable[[Any], float], Callable[[Any], Any], Any]  # function, gradient, x
Cases = Iterator[tuple[str, Triple]]


def draws(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal."""
    return np.random.default_rng(seed).standard_normal(shape)


def labels(rows: int) -> np.ndarray:
    """Classes in turn."""
    return np.arange(rows) % CLASSES


def one_hot(rows: int) -> np.ndarray:
    """The same as rows of zeros and a one."""
    return np.eye(CLASSES)[labels(rows)]


# --- thinc --------------------------------------------------------------------------------------------------------


def thinc_cases(rows: int) -> Cases:
    """Layers, losses and activations of thinc, which is spaCy's."""
    api = importlib.import_module("thinc.api")
    upstream, T = draws(rows, CLASSES, seed=1), one_hot(rows)
    start = {"W": draws(CLASSES, FEATURES, seed=2), "b": draws(CLASSES, seed=3), "X": draws(rows, FEATURES)}
    # Softmax leaves its Jacobian out of backprop (thinc issue #901). Behind thinc's own cross-entropy, whose gradient
    # by the probabilities is P - T, the two cancel, as the third case shows; behind any other loss they do not.
    for kind in (api.Linear, api.Softmax):
        run = thinc_layer(kind(CLASSES, FEATURES), lambda Y: upstream)
        yield f"{kind.__name__} layer", (weighted(run, upstream), second(run), start)
    run = thinc_layer(api.Softmax(CLASSES, FEATURES), lambda P: api.CategoricalCrossentropy().get_grad(P, T))
    yield "Softmax, CategoricalCrossentropy.get_grad", (mean_cross_entropy(run, T), second(run), start)
    # Each get_loss but the cosine's sums the squares of what get_grad gives, which the rows have divided.
    P = np.exp(upstream) / np.exp(upstream).sum(axis=1, keepdims=True)
    for loss in (api.L2Distance(), api.CategoricalCrossentropy(), api.CosineDistance()):
        yield f"{type(loss).__name__}, its loss and gradient", thinc_loss(loss, T, P)
    # gelu takes the error function from a formula good to 1e-7; backprop_gelu_approx has constants of six digits.
    for name in ("swish", "mish", "dish", "gelu", "gelu_approx"):
        yield f"ops.{name}", thinc_activation(api.NumpyOps(), name, rows)


def thinc_layer(layer: Any, upstream_of: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, Any]]:
    """From parameters and inputs to a layer's output and gradients; the gradient from above depends on the output."""

    def run(x: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        for key in ("W", "b"):
            layer.set_param(key, x[key].copy())
            layer.set_grad(key, np.zeros_like(x[key]))
        Y, backprop = layer(x["X"], is_train=True)
        dX = backprop(upstream_of(Y).copy())
        return Y, {"W": layer.get_grad("W").copy(), "b": layer.get_grad("b").copy(), "X": dX}

    return run


def weighted(run: Callable[[Any], Any], upstream: np.ndarray) -> Callable[[Any], float]:
    """The number whose gradient by the output is `upstream`."""
    return lambda x: float((upstream * run(x)[0]).sum())


def mean_cross_entropy(run: Callable[[Any], Any], T: np.ndarray) -> Callable[[Any], float]:
    """Worked out here, since thinc's get_loss gives another number."""
    return lambda x: float(-np.log((run(x)[0] * T).sum(axis=1)).mean())


def second(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The gradients that a layer's run gives beside its output."""
    return lambda x: run(x)[1]


def thinc_loss(loss: Any, T: np.ndarray, P: np.ndarray) -> Triple:
    """A loss and what it gives as its gradient by the guesses."""
    return lambda guesses: loss.get_loss(guesses, T), lambda guesses: loss.get_grad(guesses, T), P


def thinc_activation(ops: Any, name: str, rows: int) -> Triple:
    """An activation and its backprop, with a random gradient from above."""
    function, backprop = getattr(ops, name), getattr(ops, f"backprop_{name}")
    upstream = draws(rows, FEATURES, seed=4)

    def gradient(X: Any) -> Any:
        needed = (X, function(X.copy())) if name == "swish" else (X,)
        return backprop(upstream.copy(), *needed)

    return lambda X: float((upstream * function(X.copy())).sum()), gradient, 2 * draws(rows, FEATURES)


# --- mlxtend ------------------------------------------------------------------------------------------------------


def mlxtend_cases(rows: int) -> Cases:
    """Classifiers of mlxtend: the cost that they record, and the step that they take divided by the learning rate."""
    classifiers = importlib.import_module("mlxtend.classifier")
    # The steps follow the sum of the cross-entropies and l2 W² / 2; the cost is half their mean, l2 W² / 2, l1 |W| / 2.
    # So the cost's scale is another one, beside which l2 does not keep its weight, and l1 is in no step at all.
    for l1, l2 in ((0.0, 0.0), (0.0, 0.3), (0.3, 0.0)):
        model = classifiers.MultiLayerPerceptron(hidden_layers=[5], l1=l1, l2=l2, minibatches=1, random_seed=0)
        yield f"MultiLayerPerceptron, l1={l1}, l2={l2}", mlxtend_triple(model, rows)
    yield "SoftmaxRegression", mlxtend_triple(classifiers.SoftmaxRegression(minibatches=1, random_seed=0), rows)


def mlxtend_triple(model: Any, rows: int) -> Triple:
    """One step of gradient descent on all rows, from given parameters, seen from outside."""
    X, y, T, rate = draws(rows, FEATURES), labels(rows), one_hot(rows), 1e-3
    model.epochs, model.eta = 1, rate
    model.fit(X, y)
    layered = isinstance(model.w_, dict)

    def value(x: dict[str, Any]) -> float:
        write_parameters(model, x)
        P = model._feedforward(X)[-1] if layered else model._forward(X)
        return (model._compute_cost if layered else model._cost)(model._cross_entropy(P, T))

    def gradient(x: dict[str, Any]) -> dict[str, Any]:
        write_parameters(model, x)
        model._decr_eta = rate
        model.fit(X, y, init_params=False)
        return {name: (x[name] - after) / rate for name, after in read_parameters(model).items()}

    return value, gradient, {name: draws(*each.shape) for name, each in read_parameters(model).items()}


def read_parameters(model: Any) -> dict[str, Any]:
    """Copies of weights and biases by name; a network's come by layer."""
    kinds = {"w_": model.w_, "b_": model.b_}
    if not isinstance(model.w_, dict):
        return {name: each.copy() for name, each in kinds.items()}
    return {f"{name}[{key}]": each.copy() for name, kind in kinds.items() for key, each in kind.items()}


def write_parameters(model: Any, x: dict[str, Any]) -> None:
    """The reverse."""
    if not isinstance(model.w_, dict):
        model.w_, model.b_ = x["w_"].copy(), x["b_"].copy()
        return
    for name, kind in (("w_", model.w_), ("b_", model.b_)):
        kind.update({key: x[f"{name}[{key}]"].copy() for key in kind})


# --- EpyNN --------------------------------------------------------------------------------------------------------


def epynn_cases(rows: int) -> Cases:
    """Softmax of EpyNN, at two temperatures, and its losses."""
    maths, losses = (importlib.import_module(f"epynn.commons.{name}") for name in ("maths", "loss"))
    Z, T = draws(rows, CLASSES), one_hot(rows)
    for temperature in (1.0, 2.5):  # softmax divides by it, and its derivative does not
        yield f"softmax, temperature {temperature}", epynn_softmax(maths, temperature, Z)
    for name in ("MSE", "MAE", "MSLE", "CCE", "BCE"):
        yield f"loss {name}", epynn_loss(getattr(losses, name), T, 1 / (1 + np.exp(-Z)))


def epynn_softmax(maths: Any, temperature: float, Z: np.ndarray) -> Triple:
    """Softmax and its derivative, as EpyNN's dense layer puts them together."""
    upstream = draws(*Z.shape, seed=1)

    def value(Z: Any) -> float:
        maths.activation_tune({"softmax_temperature": temperature})
        return float((upstream * maths.softmax(Z)).sum())

    def gradient(Z: Any) -> Any:
        maths.activation_tune({"softmax_temperature": temperature})
        return maths.hadamard(upstream, maths.softmax(Z, deriv=True))

    return value, gradient, Z


def epynn_loss(loss: Any, T: np.ndarray, A: np.ndarray) -> Triple:
    """A loss for each row, and its derivative by the outputs."""
    return lambda A: float(loss(T, A).sum()), lambda A: loss(T, A, deriv=True), A


# --- all of them --------------------------------------------------------------------------------------------------

LIBRARIES = {"thinc": thinc_cases, "mlxtend": mlxtend_cases, "epynn": epynn_cases}
INSTALL = {"epynn": "--no-deps epynn"}


def factor(check: Any) -> float | None:
    """gradient / derivative where the two differ most, if the relative error says that it is the same everywhere."""
    if check.verdict != "WRONG" or check.numeric == 0:
        return None
    ratio = check.analytic / check.numeric
    return ratio if abs(check.relative_error - abs(ratio - 1) / max(1, abs(ratio))) < 1e-6 else None


def lines(what: str, reports: list[Any]) -> Iterator[str]:
    """The verdict on one case, and a line for each parameter that is wrong; one report for each number of rows."""
    report = reports[0]
    verdict = "right" if report.passed else "inconclusive" if report.inconclusive else "WRONG"
    yield f"  {what:<47} {verdict:<12} {report.max_relative_error:.1e}"
    causes = {finding.parameter: finding.cause for finding in report.findings}
    for place, check in enumerate(report.checks):
        if check.name in causes:
            factors = [factor(each.checks[place]) for each in reports]
            times = ", ".join(f"{each:.6f} at {n} rows" for each, n in zip(factors, ROWS, strict=True) if each)
            how = f"times the derivative: {times}" if times else f"wrong by {check.relative_error:.2g} of its size"
            yield f"      {check.name}: {how} (cause named: {causes[check.name]})"


def main() -> None:
    """Audit what is installed, and print."""
    print(f"Checked with handgrad {hg.__version__}; the figure is the largest relative error of any parameter.")
    for library, cases in LIBRARIES.items():
        try:
            importlib.import_module(library)
        except ModuleNotFoundError as missing:
            print(f"\n{library} is left out: {missing} (pip install {INSTALL.get(library, library)})")
            continue
        print(f"\n{library} {version(library)}")
        for same in zip(*(cases(rows) for rows in ROWS), strict=True):
            reports = [hg.check_gradient(*triple) for _, triple in same]
            print(*lines(same[0][0], reports), sep="\n")


if __name__ == "__main__":
    main()
