"""scikit-learn's MLPRegressor and MLPClassifier under the gradient checker: is their gradient their loss's derivative?

Nothing here knows the answer. Each estimator's own loss and backpropagation (`_backprop`, which gives both) are asked
at the same parameters; `handgrad.check_gradient` measures the derivative of the one and compares it with the other.
The conclusion is drawn from its findings: a factor, and what the factor goes with.

    python examples/audit_scikit_learn.py
"""

import inspect
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.multiclass import unique_labels

import handgrad as hg

ROWS, FEATURES, HIDDEN = 12, 4, 5
ACTIVATIONS = ("identity", "tanh", "logistic", "relu")
ALPHAS = (0.0, 0.1)  # of the penalty on the weights
PROBLEMS = {
    "regression, 1 output": 1,
    "regression, 2 outputs": 2,
    "regression, 3 outputs": 3,
    "binary": 1,
    "multi-class": 3,
    "multilabel": 3,
}


@dataclass
class Case:
    """One estimator and what the checker says of it."""

    problem: str
    activation: str
    alpha: float
    start: dict[str, np.ndarray]  # the parameters at which it was asked
    report: Any  # handgrad's

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a row."""
        return PROBLEMS[self.problem]

    def factors(self, without_penalty: bool = False) -> list[float]:
        """Gradient / derivative of each parameter with a finding, at the entry where the two differ most.

        Without penalty, alpha W / rows, which is the derivative of scikit-learn's penalty, is first taken off both.
        """
        accused = {finding.parameter for finding in self.report.findings}
        factors = []
        for check in (check for check in self.report.checks if check.name in accused):
            weighs = without_penalty and check.name.startswith("coefs_")
            penalty = self.alpha / ROWS * self.start[check.name][check.index] if weighs else 0.0
            factors.append((check.analytic - penalty) / (check.numeric - penalty))
        return factors


def audit() -> list[Case]:
    """Every problem with every activation, with and without a penalty."""
    cases = []
    for problem, activation, alpha in itertools.product(PROBLEMS, ACTIVATIONS, ALPHAS):
        loss, gradient, start = triple(problem, activation, alpha)
        cases.append(Case(problem, activation, alpha, start, hg.check_gradient(loss, gradient, start)))
    return cases


def triple(problem: str, activation: str, alpha: float) -> tuple[Callable[..., Any], Callable[..., Any], Any]:
    """The loss, the gradient and the parameters of an estimator that has taken one step."""
    X, y = data(problem)
    kind = MLPRegressor if problem.startswith("regression") else MLPClassifier
    estimator = kind(hidden_layer_sizes=(HIDDEN,), activation=activation, alpha=alpha, random_state=0)
    estimator.partial_fit(X, y, **({} if kind is MLPRegressor else {"classes": unique_labels(y)}))
    Y = y.reshape(ROWS, -1) if kind is MLPRegressor else estimator._label_binarizer.transform(y)
    layers = len(estimator.coefs_)
    weights = [None] if "sample_weight" in inspect.signature(estimator._backprop).parameters else []

    def backprop(x: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        estimator.coefs_ = [x[f"coefs_[{i}]"] for i in range(layers)]
        estimator.intercepts_ = [x[f"intercepts_[{i}]"] for i in range(layers)]
        room = [[None] * layers for _ in ("deltas", "coef_grads", "intercept_grads")]
        loss, coefs, intercepts = estimator._backprop(X, Y.astype(float), *weights, [X] + [None] * layers, *room)
        return loss, named(coefs, intercepts)

    start = named(estimator.coefs_, estimator.intercepts_)
    return (lambda x: backprop(x)[0]), (lambda x: backprop(x)[1]), start


def named(coefs: list[np.ndarray], intercepts: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters or gradients by scikit-learn's names, copied."""
    arrays = {f"coefs_[{i}]": coef for i, coef in enumerate(coefs)}
    arrays |= {f"intercepts_[{i}]": intercept for i, intercept in enumerate(intercepts)}
    return {name: array.copy() for name, array in arrays.items()}


def data(problem: str) -> tuple[np.ndarray, np.ndarray]:
    """Random rows, with targets or labels of the right kind."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((ROWS, FEATURES))
    if problem.startswith("regression"):
        Y = generator.standard_normal((ROWS, PROBLEMS[problem]))
        return X, (Y[:, 0] if PROBLEMS[problem] == 1 else Y)
    labels = {"binary": np.arange(ROWS) % 2, "multi-class": np.arange(ROWS) % 3}
    return X, labels.get(problem, generator.integers(0, 2, (ROWS, 3)))


def table(cases: list[Case]) -> str:
    """One line for each case."""
    line = "{:<22} {:<10} {:>5}  {:<12} {:<22} {}".format
    lines = [line("problem", "activation", "alpha", "verdict", "gradient / derivative", "cause named")]
    for case in cases:
        report = case.report
        verdict = "right" if report.passed else "inconclusive" if report.inconclusive else "WRONG"
        factors = span(case.factors()) if case.report.findings else ""
        causes = ", ".join(sorted({finding.cause for finding in report.findings}))
        lines.append(line(case.problem, case.activation, case.alpha, verdict, factors, causes).rstrip())
    return "\n".join(lines)


def conclusion(cases: list[Case]) -> str:
    """What the findings have in common, as far as they have."""
    wrong = [case for case in cases if not case.report.passed and not case.report.inconclusive]
    proved = f"Proved right: {sum(case.report.passed for case in cases)} of {len(cases)}."
    if not wrong:
        return f"{proved} No mistake was found."
    lines = [f"Wrong: {', '.join(sorted({case.problem for case in wrong}))}. {proved}"]
    for outputs in sorted({case.outputs for case in wrong}):
        here = [case for case in wrong if case.outputs == outputs]
        plain = [factor for case in here if case.alpha == 0 for factor in case.factors()]
        rest = [factor for case in here if case.alpha > 0 for factor in case.factors(without_penalty=True)]
        lines.append(f"{outputs} outputs: the gradient is {span(plain)} times the derivative;")
        lines.append(f"  with a penalty, whose own gradient is right, {span(rest)} times in what is left without it.")
    if all(abs(factor / case.outputs - 1) < 1e-6 for case in wrong for factor in case.factors(without_penalty=True)):
        lines.append(
            "In every parameter the factor is the number of outputs, as when the loss averages over the outputs"
        )
        lines.append(
            "and the gradient sums over them. Beside it, a penalty weighs that many times less than alpha says."
        )
    else:
        lines.append("The factor is not the number of outputs; look at the reports.")
    return "\n".join(lines)


def span(factors: list[float]) -> str:
    """From the smallest to the largest, as one number if they agree to seven digits."""
    if not factors:
        return "(none)"
    texts = [f"{each:.6f}" for each in (min(factors), max(factors))]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def main() -> None:
    """Audit, and print."""
    cases = audit()
    print(f"scikit-learn {sklearn.__version__}, checked with handgrad {hg.__version__}\n")
    print(table(cases))
    print()
    print(conclusion(cases))
    failed = [case for case in cases if case.report.findings]
    if failed:
        case = max(failed, key=lambda case: (case.outputs, -case.alpha))
        print(f"\nThe report on {case.problem}, {case.activation}, alpha {case.alpha}:\n\n{case.report}")


if __name__ == "__main__":
    main()
