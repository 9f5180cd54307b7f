"""The audits of other libraries run as a reader would run them, and find what the installed versions do."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(script: str) -> str:
    environment = os.environ | {"PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, EXAMPLES / script], env=environment, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def load(script: str) -> Any:
    """An example as a module, for what its printout does not show."""
    spec: Any = importlib.util.spec_from_file_location(script.removesuffix(".py"), EXAMPLES / script)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def printed() -> str:
    return run("audit_scikit_learn.py")


def verdicts(printed: str, problem: str, alpha: str = r"\d\.\d") -> list[str]:
    """The verdict and the factor of each line of the table."""
    return re.findall(rf"^{problem} +\w+ +{alpha}  (.*?)(?:   +.*)?$", printed, flags=re.MULTILINE)


@pytest.mark.parametrize("problem", ["regression, 1 output", "binary", "multi-class", "multilabel"])
def test_scikit_learn_is_right_in_all_but_one_thing(printed: str, problem: str) -> None:
    assert verdicts(printed, problem) == ["right"] * 8


@pytest.mark.parametrize("outputs", [2, 3])
def test_the_gradient_of_mlp_regressor_is_too_large_by_the_number_of_outputs(printed: str, outputs: int) -> None:
    """Version 1.9.1; once a release has mended it (scikit-learn issue #8349), this test and README have old news."""
    factors = re.findall(rf"^regression, {outputs} outputs +\w+ +0\.0  WRONG +(\d+\.\d+) ", printed, flags=re.MULTILINE)
    assert [float(factor) for factor in factors] == pytest.approx([outputs] * 4, abs=1e-6)
    assert verdicts(printed, f"regression, {outputs} outputs") == ["WRONG"] * 8
    assert f"{outputs} outputs: the gradient is {outputs}.000000 times the derivative" in printed
    assert f"right, {outputs}.000000 times in what is left without it" in printed


def test_the_conclusion_is_drawn(printed: str) -> None:
    assert "Wrong: regression, 2 outputs, regression, 3 outputs. Proved right: 32 of 48." in printed
    assert "the factor is the number of outputs" in printed
    assert re.search(r"^(\w+\[\d\], )*intercepts_\[1\]: constant-factor: ", printed, flags=re.MULTILINE)


def test_the_conclusion_would_be_another_if_scikit_learn_were_another(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.neural_network import _multilayer_perceptron as theirs

    def halved_sum(factor: float) -> Any:
        return lambda Y, P, weights=None: factor * 0.5 * np.sum((Y - P) ** 2, axis=1).mean()

    module = load("audit_scikit_learn.py")
    monkeypatch.setattr(module, "ACTIVATIONS", ("tanh",))
    monkeypatch.setitem(theirs.LOSS_FUNCTIONS, "squared_error", halved_sum(1))  # what the gradient is the gradient of
    assert module.conclusion(module.audit()) == "Proved right: 12 of 12. No mistake was found."
    monkeypatch.setitem(theirs.LOSS_FUNCTIONS, "squared_error", halved_sum(0.8))
    concluded = module.conclusion(module.audit())
    assert "3 outputs: the gradient is 1.250000 times" in concluded
    assert "The factor is not the number of outputs" in concluded


# --- other libraries, where they are installed --------------------------------------------------------------------


def reports(library: str, rows: int) -> dict[str, Any]:
    """A library's cases by what they are, checked."""
    pytest.importorskip(library)
    module = load("audit_others.py")
    return {what: hg.check_gradient(*triple) for what, triple in module.LIBRARIES[library](rows)}


def factors(report: Any) -> dict[str, float | None]:
    module = load("audit_others.py")
    return {check.name: module.factor(check) for check in report.checks}


def test_a_library_that_is_missing_is_named() -> None:
    printed = run("audit_others.py")
    for library, install in {"thinc": "thinc", "mlxtend": "mlxtend", "epynn": "--no-deps epynn"}.items():
        if importlib.util.find_spec(library) is None:
            assert f"{library} is left out: No module named '{library}' (pip install {install})" in printed
        else:
            assert re.search(rf"^{library} \d", printed, flags=re.MULTILINE)


@pytest.mark.parametrize("rows", [8, 12])
def test_thinc(rows: int) -> None:
    found = reports("thinc", rows)
    wrong = {what for what, report in found.items() if not report.passed}
    losses = {f"{kind}, its loss and gradient" for kind in ("L2Distance", "CategoricalCrossentropy")}
    assert wrong == {"Softmax layer", "ops.gelu", "ops.gelu_approx"} | losses
    assert all(check.relative_error > 0.5 for check in found["Softmax layer"].checks)
    assert all(1e-7 < found[f"ops.{name}"].max_relative_error < 1e-6 for name in ("gelu", "gelu_approx"))
    for loss in losses:
        assert factors(found[loss]) == {"x": pytest.approx(rows / 2, rel=1e-6)}


@pytest.mark.parametrize("rows", [8, 12])
def test_mlxtend(rows: int) -> None:
    found = reports("mlxtend", rows)
    for what in ("MultiLayerPerceptron, l1=0.0, l2=0.0", "SoftmaxRegression"):
        assert all(each == pytest.approx(2 * rows, rel=1e-6) for each in factors(found[what]).values())
    cases = dict(load("audit_others.py").mlxtend_cases(rows))
    steps = [gradient(x) for _, gradient, x in (cases[f"MultiLayerPerceptron, l1={l1}, l2=0.0"] for l1 in (0.0, 0.3))]
    assert all(np.array_equal(steps[0][name], steps[1][name]) for name in steps[0])  # l1 moves nothing


def test_epynn() -> None:
    found = reports("epynn", 8)
    assert {what for what, report in found.items() if not report.passed} == {"softmax, temperature 2.5"}
    assert factors(found["softmax, temperature 2.5"]) == {"x": pytest.approx(2.5, rel=1e-6)}


@pytest.mark.parametrize("ratio", [-1.0, 0.25, 3.0])
def test_a_factor_is_told_from_another_mistake(ratio: float) -> None:
    factor = load("audit_others.py").factor
    x = np.array([1.0, 2.0, -0.5])
    check = hg.check_gradient(lambda x: (x**2).sum(), lambda x: 2 * ratio * x, x).checks[0]
    assert factor(check) == pytest.approx(ratio, rel=1e-7)
    check = hg.check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x * [ratio, 1, 1], x).checks[0]
    assert factor(check) is None
    assert factor(hg.check_gradient(lambda x: (x**2).sum(), lambda x: 2 * x, x).checks[0]) is None
