"""handgrad: small neural networks whose every gradient is derived by hand, proved, and compared honestly.

`import handgrad` loads NumPy and nothing heavier; each name below loads its room when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handgrad import (
        activations,
        datasets,
        initializers,
        layers,
        losses,
        metrics,
        optimizers,
        plots,
        schedules,
        theory,
    )
    from handgrad.experiments import Study
    from handgrad.files import load, save
    from handgrad.gradcheck import check_gradient, check_network
    from handgrad.health import Monitor, diagnose, signals
    from handgrad.interchange import from_sklearn, from_torch, to_numpy, to_onnx, to_sklearn, to_torch
    from handgrad.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Residual
    from handgrad.network import Network, record
    from handgrad.optimizers import LBFGS, SGD, Adagrad, Adam, AdamW, RMSprop
    from handgrad.tracing import trace
    from handgrad.training import DivergenceError, EarlyStopping, History, Training, doctor, train

__version__ = "0.1.0"

_ROOMS = (
    "activations",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "plots",
    "schedules",
    "theory",
)
_HOMES = {
    "experiments": ("Study",),
    "files": ("load", "save"),
    "gradcheck": ("check_gradient", "check_network"),
    "health": ("Monitor", "diagnose", "signals"),
    "interchange": ("from_sklearn", "from_torch", "to_numpy", "to_onnx", "to_sklearn", "to_torch"),
    "layers": ("Activation", "BatchNorm", "Dense", "Dropout", "LayerNorm", "Residual"),
    "network": ("Network", "record"),
    "optimizers": ("LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "RMSprop"),
    "tracing": ("trace",),
    "training": ("DivergenceError", "EarlyStopping", "History", "Training", "doctor", "train"),
}
_HOME_OF = {name: room for room, names in _HOMES.items() for name in names}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"handgrad.{name}")
    if name in _HOME_OF:
        return getattr(import_module(f"handgrad.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'handgrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
