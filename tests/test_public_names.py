"""The names that other programs call, and how light `import handgrad` is."""

import subprocess
import sys

import pytest

import handgrad as hg

NAMES = [
    "LBFGS",
    "SGD",
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "BatchNorm",
    "Dense",
    "DivergenceError",
    "Dropout",
    "EarlyStopping",
    "History",
    "LayerNorm",
    "Monitor",
    "Network",
    "RMSprop",
    "Residual",
    "Study",
    "Training",
    "activations",
    "check_gradient",
    "check_network",
    "datasets",
    "diagnose",
    "doctor",
    "from_sklearn",
    "from_torch",
    "initializers",
    "layers",
    "load",
    "losses",
    "metrics",
    "optimizers",
    "plots",
    "record",
    "save",
    "schedules",
    "signals",
    "theory",
    "to_numpy",
    "to_onnx",
    "to_sklearn",
    "to_torch",
    "trace",
    "train",
]


def test_the_public_names_are_pinned():
    assert hg.__all__ == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_resolves(name):
    assert getattr(hg, name) is not None
    assert name in dir(hg)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hg.nothing  # noqa: B018


def test_importing_handgrad_loads_nothing_heavy():
    heavy = {"scipy", "pandas", "sklearn", "matplotlib", "numba", "rich"}
    program = f"import sys, handgrad; print(*({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_training_a_network_loads_nothing_heavy():
    heavy = {"pandas", "sklearn", "matplotlib", "rich"}  # Numba, which trains, is
    program = (
        "import sys, handgrad as hg\n"
        "hg.train(hg.Network.mlp([2, 3, 2]), [[0, 1], [1, 0]], [0, 1], epochs=2)\n"
        f"print(*({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
