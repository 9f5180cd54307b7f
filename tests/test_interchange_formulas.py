"""Formulas in three other languages: whatever is written with the listed functions comes out the same."""

import math
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad import elementary
from handgrad.activations import Formula
from handgrad.interchange.formulas import activation_expression
from handgrad.interchange.numpy_source import function_source
from handgrad.interchange.onnx_file import onnx_bytes
from handgrad.losses import Loss
from travelling import distance, rows_of

Z = np.array([[-3.0], [-1.0], [-0.5], [0.0], [0.25], [1.0], [2.0], [1000.0]])
OPERATORS = [np.add, np.subtract, np.multiply, np.maximum, np.minimum]
FUNCTIONS = [np.negative, np.positive, np.absolute, np.sign, lambda z: np.minimum(np.square(z), 9), lambda z: z / 2]
COMPARISONS = [np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal]
NUMBERS_LOGIC = [np.logical_and, np.logical_or]  # of numbers too, which & and | are not
LOGIC = [np.logical_and, np.logical_or, lambda a, b: ~(a & b), lambda a, b: np.logical_not(a) | b]
SYMBOL = st.just(lambda z: z)


def constant(value):
    return lambda z: value


def unary(function, f):
    return lambda z: function(f(z))


def binary(function, f, g):
    return lambda z: function(f(z), g(z))


def choice(condition, f, g):
    return lambda z: np.where(condition(z), f(z), g(z))


def grown(formulas):
    """Formulas made of formulas; each uses z, for NumPy itself computes what does not."""
    operands = formulas | st.sampled_from([-2.0, -0.5, 0, 1, 1.5]).map(constant)
    compared = st.builds(binary, st.sampled_from(COMPARISONS), formulas, operands)
    conditions = compared | st.builds(binary, st.sampled_from(LOGIC), compared, compared)
    return st.one_of(
        st.builds(unary, st.sampled_from(FUNCTIONS), formulas),
        st.builds(binary, st.sampled_from(OPERATORS), formulas, operands),
        st.builds(binary, st.sampled_from(OPERATORS), operands, formulas),
        st.builds(choice, conditions, operands, operands),
        st.builds(binary, st.just(np.multiply), conditions, formulas),
        st.builds(choice, st.builds(binary, st.sampled_from(NUMBERS_LOGIC), formulas, compared), operands, operands),
    )


def network_over(rule):
    with np.errstate(divide="ignore"):  # what is 0 everywhere has no gain
        net = hg.Network([hg.Dense(1, 1), hg.Activation(rule)], loss="mse", init="zeros")
    net["dense1.W"] = [[1.0]]
    return net


@settings(max_examples=150)
@given(st.recursive(SYMBOL, grown, max_leaves=8))
def test_any_formula_without_rounding_is_the_same_in_every_language(f):
    rule = Formula("made", f=f, df=lambda z, a: z)
    expected = np.broadcast_to(rule.value(Z), Z.shape)
    names = {"np": np}
    exec(function_source("made", activation_expression(rule), "float64"), names)
    np.testing.assert_array_equal(np.asarray(names["made"](Z), float), expected)
    if find_spec("onnxruntime"):
        import onnxruntime

        session = onnxruntime.InferenceSession(onnx_bytes(network_over(rule)), providers=["CPUExecutionProvider"])
        np.testing.assert_array_equal(session.run(None, {"X": Z})[0], expected)
    if find_spec("torch"):
        import torch

        found = hg.to_torch(network_over(rule))(torch.from_numpy(Z))
        np.testing.assert_array_equal(found.detach().numpy(), expected)


FAR_OUT = np.array([[sign * size] for sign in (1, -1) for size in (0.0, 1e-307, 1e-300, 1e-20, 700, 1e160, 1e307)])
OWN = {
    "log1p of a square": lambda z: np.log1p(z * z),
    "log1p": lambda z: np.log1p(np.abs(z)),
    "expm1": lambda z: np.expm1(-np.abs(z)),
    "expm1 that overflows": np.expm1,
    "tanh and sign": lambda z: np.tanh(z) + np.sign(z),
    "a root": lambda z: np.sqrt(1 + z * z),
    "a quotient": lambda z: 1 / (1 + np.square(z)),
    "erfc": elementary.erfc,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OWN)
def test_formulas_far_out_and_near_nothing(name, dtype):
    rule = Formula("own", f=OWN[name], df=lambda z, a: z)
    with np.errstate(over="ignore"):
        Z = np.minimum(np.maximum(FAR_OUT, -3e38), 3e38).astype(dtype) if dtype == "float32" else FAR_OUT
        expected = rule.value(Z)
        names = {"np": np, "math": math, "erfc": elementary.erfc}
        exec(function_source("made", activation_expression(rule), dtype), names)
        found = [names["made"](Z)]
        if find_spec("onnxruntime"):
            import onnxruntime

            with np.errstate(all="ignore"):  # the gain
                content = onnx_bytes(network_over(rule).astype(dtype))
            session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
            found += session.run(None, {"X": Z})
    for each in found:
        np.testing.assert_allclose(each, expected, rtol=1e-14 if dtype == "float64" else 3e-6)


@pytest.mark.parametrize(
    ("f", "printed"),
    [
        (lambda z: -(z**2), "-(z ** 2)"),
        (lambda z: (-z) ** 2, "(-z) ** 2"),
        (lambda z: z - (z - 1), "z - (z - 1)"),
        (lambda z: 1e-5 * np.minimum(z, np.inf), "(1e-05) * np.minimum(z, np.inf)"),
        (lambda z: np.maximum(z, np.float64(0.5)) / np.abs(z), "np.maximum(z, 0.5) / np.abs(z)"),
        (lambda z: ~(z > 0) * z, "np.logical_not(z > 0) * z"),
        (lambda z: np.where(np.logical_and(z, z > 0), z, 1), "np.where(np.logical_and(z, z > 0), z, 1)"),
        (lambda z: np.where(np.logical_or(z < 1, z), z, 1), "np.where(np.logical_or(z < 1, z), z, 1)"),
        (lambda z: np.where((z > 0) & (z < 9), z, 1), "np.where((z > 0) & (z < 9), z, 1)"),
    ],
)
def test_a_formula_reads_as_one_would_write_it(f, printed):
    rule = Formula("made", f=f, df=lambda z, a: z)
    assert function_source("made", activation_expression(rule), "float64") == f"def made(z):\n    return {printed}"


def test_what_is_used_twice_has_a_line_of_its_own():
    def f(z):
        e = np.exp(-z)
        return e / (1 + e)

    source = function_source("f", activation_expression(Formula("f", f=f, df=lambda z, a: z)), "float64")
    assert source == "def f(z):\n    t1 = np.exp(-z)\n    return t1 / (1 + t1)"


@pytest.mark.parametrize("target", ["values", "labels"])
def test_a_loss_record_of_your_own_with_its_output_function(target, tmp_path):
    import runpy

    own = Loss(
        "own", f=lambda z, t: (z - t) ** 2, df=lambda z, t: 2 * (z - t), output=lambda z: np.exp(-z * z), target=target
    )
    net = hg.Network.mlp([2, 3, 2], loss=own, seed=0)
    X, answer = rows_of(net), "predict" if target == "values" else "predict_proba"
    expected = getattr(net, answer)(X, engine="numpy")
    hg.to_numpy(net, tmp_path / "net.py")
    assert distance(runpy.run_path(str(tmp_path / "net.py"))[answer](X), expected) <= 1e-12
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(onnx_bytes(net), providers=["CPUExecutionProvider"])
    assert distance(session.run(None, {"X": X})[-1], expected) <= 1e-12
