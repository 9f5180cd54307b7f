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
    assert "\nintercepts_[1]: " in printed


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
