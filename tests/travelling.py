"""Networks to export: every two values of any two factors that an export must carry meet in one of them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neural_network import MLPRegressor

import handgrad as hg
from handgrad.activations import Formula
from handgrad.preprocessing import NumericColumn, Preprocessing, TextColumn
from proofs import FACTORS, network, pairwise

CARRIED = ("activation", "loss", "norm", "dropout", "residual", "bias", "output_activation")
CASES = pairwise({name: FACTORS[name] for name in CARRIED} | {"dtype": ["float64", "float32"]})
FIXED = {"l2": 0.0, "networks": None}

every_function = Formula(  # each function that a formula may be made of, and each operator
    "every_function",
    f=lambda z, p: (
        np.where((z > p) & ~(z >= 2) | (z < -1) & (z <= -2) | np.equal(z, 0), np.exp(-np.abs(z)), np.tanh(z) ** 3)
        + np.sqrt(np.square(z) + 1) * np.sign(z)
        - np.maximum(np.minimum(z, 1), -p) / (1 + np.log1p(np.abs(z)))
        + np.log(np.abs(z) + 2)
        + np.expm1(-np.abs(z))
        + (z != 1).astype(z.dtype)
        + 2 * np.logical_not(z > 0).astype(z.dtype)
        + np.where(np.logical_and(z > 3, z < 9) | np.logical_or(z < -7, z > 50), 1, 0)
        + np.reciprocal(1 + z * z)
        + (+z) * 0.5**1.5
    ),
    df=lambda z, a, p: z,
    p=0.25,
)


def skip_without_poisson_in_scikit_learn(loss: str) -> None:
    if loss == "poisson" and "loss" not in MLPRegressor().get_params():
        pytest.skip("scikit-learn has had a poisson loss since 1.7")


def case_name(case: dict[str, Any]) -> str:
    return "-".join(str(value) for value in case.values())


def network_of(case: dict[str, Any]) -> hg.Network:
    return network(case | FIXED).astype(case["dtype"])


def rows_of(net: hg.Network, rows: int = 12) -> np.ndarray:
    """Rows near 0, then one at 0 and two far out."""
    X = np.random.default_rng(5).standard_normal((rows, net.fan_in))
    X[-3:] = [[0.0], [1e3], [-1e3]]
    return X.astype(net.dtype)


def distance(found: Any, expected: np.ndarray) -> float:
    """The largest difference, relative to the largest number or 1."""
    found = np.asarray(found)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max()) / max(1.0, float(np.abs(expected).max()))


def own_rounding(net: hg.Network, X: np.ndarray, answer: str) -> float:
    """How far a single precision network is from the same in double precision."""
    exact = getattr(net.astype("float64"), answer)(X, engine="numpy")
    return distance(getattr(net, answer)(X, engine="numpy"), exact)


def answer_of(net: hg.Network) -> str:
    return "predict" if net.loss_rule.target in ("values", "counts") else "predict_proba"


def patients(loss: str = "softmax_cross_entropy", outputs: int = 3, dtype: str = "float64") -> hg.Network:
    """A network that takes raw rows of numbers and texts."""
    names = None if loss in ("mse", "poisson") else ("well", "ill", "äußerst krank")[: max(2, outputs)]
    columns = (
        NumericColumn("age in years", 40.0, 12.5),
        NumericColumn("owner"),
        TextColumn("ward", ("A", "ß", "1")),
        NumericColumn("value", -3.0, 0.1),
        TextColumn("label", ("yes", "no")),
    )
    net = hg.Network.mlp([8, 6, outputs], activation="tanh", loss=loss, seed=3, dtype=dtype)
    net.params += 0.2
    net.preprocessing = Preprocessing(columns, "outcome", names)
    return net


def raw_rows(rows: int = 20) -> pd.DataFrame:
    draws = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "label": draws.choice(["yes", "no"], rows),
            "age in years": draws.normal(40, 12, rows),
            "unused": 1.0,
            "owner": draws.random(rows) < 0.5,
            "ward": draws.choice(["A", "ß", "1"], rows),
            "value": draws.normal(-3, 0.1, rows),
        }
    )
