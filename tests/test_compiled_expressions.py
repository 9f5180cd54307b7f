"""What becomes of formulas: expressions that name each part once, and reasons for what cannot be compiled."""

import warnings

import numpy as np
import pytest

import handgrad as hg
from handgrad.activations import activations
from handgrad.compiled.expressions import NotCompilable, printed, symbols_of, trace
from handgrad.compiled.kernels import activation_kernels, loss_kernel, update_kernel
from handgrad.elementary import erfc, sigmoid, softplus, step
from handgrad.losses import Loss, losses

X = np.random.default_rng(0).normal(size=(6, 3))
HALF = np.float32(0.5)


def code_of(formula, symbols="z", parameters=()):
    """The lines of code, and the names of the results."""
    return printed(trace(formula, symbols.split(), parameters))


WRITTEN = {
    "a sum": (lambda z: z + 1, ["t0 = z + T(1.0)"], ["t0"]),
    "a number first": (lambda z: 2 - z, ["t0 = T(2.0) - z"], ["t0"]),
    "a shared part once": (lambda z: np.exp(z) * np.exp(z), ["t0 = exp(z)", "t1 = t0 * t0"], ["t1"]),
    "the same part of two results": (
        lambda z: (np.tanh(z), 1 - np.tanh(z)),
        ["t0 = tanh(z)", "t1 = T(1.0) - t0"],
        ["t0", "t1"],
    ),
    "a whole power": (lambda z: z**3, ["t0 = z ** 3"], ["t0"]),
    "a whole power as a float": (lambda z: np.power(z, 2.0), ["t0 = z ** 2"], ["t0"]),
    "a large power": (lambda z: z**17, ["t0 = z ** T(17.0)"], ["t0"]),
    "a fraction as a power": (lambda z: z**0.5, ["t0 = z ** T(0.5)"], ["t0"]),
    "a power of a number": (lambda z: 2**z, ["t0 = T(2.0) ** z"], ["t0"]),
    "a negative": (lambda z: -z, ["t0 = -z"], ["t0"]),
    "the symbol itself": (lambda z: z, [], ["z"]),
    "ones": (lambda z: np.ones_like(z), [], ["T(1.0)"]),
    "zeros": (lambda z: np.zeros_like(z), [], ["T(0.0)"]),
    "NumPy's numbers": (lambda z: HALF * z + np.array(2), ["t0 = T(0.5) * z", "t1 = t0 + T(2.0)"], ["t1"]),
    "a condition as a number": (step, ["t0 = z > T(0.0)", "t1 = where(t0, T(1.0), T(0.0))"], ["t1"]),
    "conditions together": (
        lambda z: np.where((z > -1) & (z < 1), z, 0),
        ["t0 = z > T(-1.0)", "t1 = z < T(1.0)", "t2 = t0 & t1", "t3 = where(t2, z, T(0.0))"],
        ["t3"],
    ),
    "a condition turned round": (
        lambda z: np.where(~(z > 0), 1, z),
        ["t0 = z > T(0.0)", "t1 = not t0", "t2 = where(t1, T(1.0), z)"],
        ["t2"],
    ),
    "an error function": (lambda z: erfc(z), ["t0 = erfc(z)"], ["t0"]),
    "a reciprocal": (np.reciprocal, ["t0 = T(1.0) / z"], ["t0"]),
}


@pytest.mark.parametrize("formula", WRITTEN)
def test_what_a_formula_becomes(formula):
    given, lines, names = WRITTEN[formula]
    assert code_of(given) == (lines, names)


def test_parameters_are_symbols_of_their_own():
    assert code_of(lambda z, z_: z * z_, "z", ["z_"]) == (["t0 = z * p_z_"], ["t0"])
    assert code_of(lambda t, p: t / p, "t", ["p"]) == (["t0 = t / p_p"], ["t0"])


def test_functions_inside_functions_are_looked_through():
    lines, names = code_of(lambda z: z * sigmoid(z) + softplus(z))
    assert sum("absolute(" in line for line in lines) == 1
    assert sum("exp(" in line for line in lines) == 1, "sigmoid and softplus share e^-|z|"
    assert len(names) == 1


def test_symbols_are_those_that_are_used():
    assert symbols_of(trace(lambda z, a: 1 - a * a, ["z", "a"], [])) == {"a"}
    assert symbols_of(trace(lambda z, a, slope: slope * z + 0 * a, ["z", "a"], ["slope"])) == {"z", "a", "p_slope"}
    assert symbols_of(trace(lambda z: 1.0, ["z"], [])) <= {"constant"}


def branching(z):
    return z if z > 0 else 0 * z


def looping(z):
    return np.array([each for each in z])  # noqa: C416 - this is what is refused


def masked(z):
    out = np.array(z, copy=True)
    out[z > 0] = 1
    return out


REFUSED = {
    "branching": (branching, "branches on a value; write np.where"),
    "a chained comparison": (lambda z: np.where(-1 < z < 1, z, 0), "branches on a value"),
    "a sum": (lambda z: z - np.sum(z), "elementwise|uses sum"),
    "a sum as a method": (lambda z: z - z.sum(), "does what is not elementwise.*sum"),
    "a mean": (lambda z: z - np.mean(z), "uses mean|cannot be called"),
    "a reduction": (lambda z: np.add.reduce(z) * z, "add in a way that is not elementwise"),
    "an output array": (lambda z: np.multiply(z, 2, out=z), "multiply in a way that is not elementwise"),
    "indexing": (lambda z: z[0] * z, "does what is not elementwise"),
    "iteration": (looping, "single entries"),
    "a mask": (masked, "cannot|elementwise|entries|array"),
    "where with one argument": (lambda z: np.where(z > 0), "uses where"),
    "clip": (lambda z: np.clip(z, -1, 1), "cannot be|clip"),
    "an unknown function": (np.arctan, "uses arctan, which is not on the list of elementary functions"),
    "another of SciPy's": (lambda z: __import__("scipy").special.erf(z), "uses erf, which is not on the list"),
    "a number of an array": (lambda z: float(z) * z, "turns an array into a number"),
    "an array of constants": (lambda z: z * np.array([1.0, 2.0]), "constant that is not a number"),
    "a complex number": (lambda z: z * 1j, "constant that is not a number"),
    "text": (lambda z: z + "a", "cannot|constant that is not a number"),
    "an error of its own": (lambda z: 1 / 0, "does what is not elementwise .ZeroDivisionError"),
}


@pytest.mark.parametrize("formula", REFUSED)
def test_what_is_refused_and_why(formula):
    given, reason = REFUSED[formula]
    with pytest.raises(NotCompilable, match=reason):
        code_of(given)


@pytest.mark.parametrize("refused", ["branching", "iteration", "a reduction"])
def test_a_refused_formula_is_named(refused):
    formula = hg.activations.Formula("odd", f=REFUSED[refused][0], df=lambda z, a: 1 - a * a)
    with pytest.raises(NotCompilable, match=r"^odd: "):
        activation_kernels(formula, np.dtype("float64"))


# --- a network with such a formula ----------------------------------------------------------------------------------


def half(z):
    """Looks at all numbers together, which arrays can do and symbols cannot."""
    return z if np.all(z > 1e9) else 0.5 * z


def named(name):
    return hg.activations.Formula(name, f=half, df=lambda z, a: 0.5 + 0 * z)


def test_a_network_with_it_trains_on_numpy_with_one_notice():
    net = hg.Network.mlp([3, 4, 2], activation=named("half_one"))
    plain = net.copy()
    with pytest.warns(UserWarning, match=r"runs on NumPy.*half_one: it uses all") as told:
        hg.train(net, X, np.arange(6) % 2, epochs=3)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.predict(X)
        hg.train(net.copy(), X, np.arange(6) % 2, epochs=1)
    hg.train(plain, X, np.arange(6) % 2, epochs=3, engine="numpy")
    np.testing.assert_array_equal(net.params, plain.params)


def test_it_is_refused_by_name_where_the_compiled_engine_is_asked_for():
    net = hg.Network.mlp([3, 4, 2], activation=["tanh"], output_activation=named("half_two"))
    start = net.params.copy()
    with pytest.raises(ValueError, match=r"engine is 'compiled', but half_two: it uses all.*leave engine out"):
        hg.train(net, X, np.arange(6) % 2, engine="compiled")
    with pytest.raises(ValueError, match="half_two"):
        net.predict(X, engine="compiled")
    np.testing.assert_array_equal(net.params, start)


class Own(hg.activations.Formula):
    """Computes its values in another way than by its formula."""

    def value(self, z):
        return np.tanh(z)


class OwnLoss(Loss):
    """The same of a loss."""

    def evaluate(self, Z, T):
        return super().evaluate(Z, T)


class Doubling(hg.layers.Layer):
    """A layer of your own."""

    def forward(self, params, A, context):
        return 2 * A, None

    def backward(self, params, dY, cache):
        return 2 * dY, {}


OTHERS = {
    "an activation that computes in its own way": (
        lambda: hg.Network.mlp([3, 4, 2], activation=Own("own", f=np.tanh, df=lambda z, a: 1 - a * a)),
        "the activation own computes its values in a way of its own",
    ),
    "a loss that computes in its own way": (
        lambda: hg.Network.mlp([3, 2], loss=OwnLoss("own", f=lambda z, t: (z - t) ** 2, df=lambda z, t: 2 * (z - t))),
        "the loss own computes its values in a way of its own",
    ),
    "a loss with a formula that is refused": (
        lambda: hg.Network.mlp(
            [3, 2], loss=Loss("halved", f=lambda z, t: half(z - t) ** 2, df=lambda z, t: 0.5 * half(z - t))
        ),
        "halved: it uses all",
    ),
    "a layer of your own": (lambda: hg.Network([hg.Dense(3, 2), Doubling()]), "another kind, Doubling"),
    "one inside a residual": (
        lambda: hg.Network([hg.Residual([hg.Dense(3, 3), Doubling()]), hg.Dense(3, 2)]),
        "another kind, Doubling",
    ),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_else_the_engine_does_not_know(other):
    make, reason = OTHERS[other]
    with pytest.raises(ValueError, match=f"engine is 'compiled', but .*{reason}"):
        make().forward(X, engine="compiled")


# --- everything that is registered ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", list(activations), ids=lambda rule: rule.name)
def test_every_activation_is_compiled(rule, dtype):
    kernels = activation_kernels(rule, np.dtype(dtype))
    assert kernels.forward
    assert kernels.backward


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", [each for each in losses if type(each) is Loss], ids=lambda rule: rule.name)
def test_every_elementwise_loss_is_compiled(rule, dtype):
    assert loss_kernel(rule, np.dtype(dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "optimizer",
    [
        hg.SGD(),
        hg.SGD(momentum=0.9),
        hg.SGD(momentum=0.9, nesterov=True),
        hg.RMSprop(),
        hg.Adagrad(),
        hg.Adam(),
        hg.AdamW(),
    ],
    ids=repr,
)
def test_every_optimizer_is_compiled(optimizer, dtype):
    assert update_kernel(optimizer, list(optimizer.coefficients(1, 0.1)), np.dtype(dtype))


def test_other_parameters_are_no_other_code():
    one, other = (activation_kernels(rule, np.dtype("float64")) for rule in map(activations.find, ("elu", "elu(0.3)")))
    assert one == other
