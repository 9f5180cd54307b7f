"""Other libraries' gradients through the checker: right ones are proved, planted mistakes are found and named."""

import math
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.gradcheck.adapters import from_jax, from_torch


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.fixture
def jax() -> Any:
    return pytest.importorskip("jax")


def draws(*shape: int) -> np.ndarray:
    """As a user draws: with the seed that is the adapters' own default, which must not make their weights the same."""
    return np.random.default_rng(0).standard_normal(shape)


def wrong(report: Any) -> dict[str, float]:
    """For each parameter that is not proved: analytic / measured, where they differ most."""
    return {each.name: each.analytic / each.numeric for each in report.checks if each.verdict == "WRONG"}


# --- PyTorch: functions whose backward is written by hand --------------------------------------------------------


def product(torch: Any, backward: Any) -> Any:
    """A W with a backward of one's own."""

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, A: Any, W: Any) -> Any:
            ctx.save_for_backward(A, W)
            return A @ W

        @staticmethod
        def backward(ctx: Any, dZ: Any) -> Any:
            return backward(*ctx.saved_tensors, dZ)

    return Product.apply


def test_a_right_backward_is_proved(torch: Any) -> None:
    function = product(torch, lambda A, W, dZ: (dZ @ W.T, A.T @ dZ))
    report = hg.check_gradient(*from_torch(function, draws(5, 3), torch.randn(3, 3)))
    assert report.passed, str(report)
    assert [(each.name, each.shape) for each in report.checks] == [("input0", (5, 3)), ("input1", (3, 3))]


@pytest.mark.parametrize(
    ("backward", "found"),
    [
        (lambda A, W, dZ: (2 * dZ @ W.T, A.T @ dZ), {"input0": 2}),
        (lambda A, W, dZ: (dZ @ W.T, -A.T @ dZ), {"input1": -1}),
        (lambda A, W, dZ: (dZ @ W, A.T @ dZ), {"input0": None}),
        (lambda A, W, dZ: (dZ @ W.T, (A.T @ dZ).T), {"input1": None}),
        (lambda A, W, dZ: (dZ @ W.T, None), {"input1": 0}),
        (lambda A, W, dZ: (dZ @ W.T, 1.00001 * A.T @ dZ), {"input1": 1.00001}),
    ],
    ids=["factor 2", "sign", "W for its transpose", "transposed", "left out", "a hundred-thousandth"],
)
def test_a_wrong_backward_is_found(torch: Any, backward: Any, found: dict[str, float | None]) -> None:
    report = hg.check_gradient(*from_torch(product(torch, backward), draws(5, 3), draws(3, 3)))
    factors = wrong(report)
    assert factors.keys() == found.keys()
    for name, factor in found.items():
        assert factor is None or factors[name] == pytest.approx(factor, rel=1e-7)


def test_several_outputs_are_all_proved(torch: Any) -> None:
    def function(A: Any) -> Any:
        return {"sum": A.sum(dim=0), "more": (A.argmax(), [None, A.exp()])}

    assert hg.check_gradient(*from_torch(function, draws(2, 3))).passed
    value, gradient, x = from_torch(lambda A: (A.sum(), A.detach().exp()), draws(2, 3))
    assert wrong(hg.check_gradient(value, gradient, x))  # the second output's gradient was cut off


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_outputs_that_always_sum_to_the_same_are_proved_too(library: str) -> None:
    nn = pytest.importorskip(library).nn
    adapter, softmax = (from_torch, nn.Softmax(dim=-1)) if library == "torch" else (from_jax, nn.softmax)
    report = hg.check_gradient(*adapter(softmax, draws(2, 3)))
    assert [check.verdict for check in report.checks] == ["ok"]  # a plain sum would have shown "zero"


def test_one_number_is_taken_as_it_is(torch: Any) -> None:
    for shape in ((), (1,), (1, 1)):
        value, gradient, x = from_torch(lambda A, shape=shape: (A**2).sum().reshape(shape), np.array([3.0, 4.0]))
        assert value(x) == 25
        np.testing.assert_array_equal(gradient(x)["input0"], [6, 8])


def test_whole_numbers_and_other_arguments_pass_through(torch: Any) -> None:
    def function(table: Any, rows: Any, more: Any, mode: str) -> Any:
        assert rows.dtype == torch.int64
        assert mode == "sum"
        return torch.nn.functional.embedding_bag(rows, table, mode=mode) * more

    rows = torch.tensor([[0, 2], [1, 1]])
    value, gradient, x = from_torch(function, torch.randn(3, 4), rows, 2.0, "sum")
    assert list(x) == ["input0"]
    assert hg.check_gradient(value, gradient, x).passed


def test_a_function_may_write_into_what_it_is_given(torch: Any) -> None:
    value, gradient, x = from_torch(lambda A: A.mul_(2).tanh_(), draws(3))
    assert hg.check_gradient(value, gradient, x).passed
    np.testing.assert_array_equal(x["input0"], draws(3))


# --- PyTorch: modules ---------------------------------------------------------------------------------------------


def stack(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True), nn.Dropout(0.4), nn.Linear(6, 4), nn.LayerNorm(4)
    )


@pytest.mark.parametrize("training", [True, False])
def test_a_module_is_proved_and_left_alone(torch: Any, training: bool) -> None:
    torch.manual_seed(3)
    module = stack(torch).train(training)
    before = {name: each.clone() for name, each in module.state_dict().items()}
    state = torch.get_rng_state()
    value, gradient, x = from_torch(module, torch.randn(7, 3, generator=torch.Generator().manual_seed(1)))
    assert list(x) == [*(name for name, _ in module.named_parameters()), "input0"]
    assert {each.dtype for each in x.values()} == {np.dtype("float64")}
    assert value(x) == value(x)
    first, again = gradient(x), gradient(x)
    assert all(np.array_equal(first[name], again[name]) for name in x)
    report = hg.check_gradient(value, gradient, x)
    assert report.passed, str(report)
    assert torch.equal(torch.get_rng_state(), state)
    assert module.training is training
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_dropout_depends_on_the_seed(torch: Any) -> None:
    answers = [from_torch(torch.nn.Dropout(0.5), np.ones(20), seed=seed) for seed in (0, 0, 1)]
    masks = [gradient(x)["input0"] != 0 for _, gradient, x in answers]
    assert np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])


def test_buffers_are_the_same_at_every_call(torch: Any) -> None:
    class Counting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))
            self.register_buffer("seen", torch.zeros(3))

        def forward(self, A: Any) -> Any:
            self.calls += 1
            self.seen = torch.cat([self.seen, A.detach()])  # a new tensor in the buffer's place, of another shape
            return A * self.calls + self.seen.sum()

    value, _, x = from_torch(Counting(), np.ones(3))
    assert value(x) == value(x)


def test_frozen_parameters_are_left_out_and_unreached_ones_are_zero(torch: Any) -> None:
    class Half(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused, self.frozen = (torch.nn.Linear(2, 2, bias=False) for _ in range(3))
            self.frozen.requires_grad_(False)

        def forward(self, A: Any) -> Any:
            return self.frozen(self.used(A))

    value, gradient, x = from_torch(Half(), draws(3, 2))
    assert list(x) == ["used.weight", "unused.weight", "input0"]
    np.testing.assert_array_equal(gradient(x)["unused.weight"], np.zeros((2, 2)))
    report = hg.check_gradient(value, gradient, x)
    assert report.passed, str(report)
    assert [each.verdict for each in report.checks] == ["ok", "zero", "ok"]


def test_what_reaches_nothing_has_gradient_zero(torch: Any) -> None:
    _, gradient, x = from_torch(lambda A: A.detach().sum(), draws(3))
    np.testing.assert_array_equal(gradient(x)["input0"], np.zeros(3))


def test_tied_weights_are_one_parameter(torch: Any) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3))
    module[2].weight = module[0].weight
    report = hg.check_gradient(*from_torch(module, draws(4, 3)))
    assert report.passed, str(report)
    assert [each.name for each in report.checks] == ["0.weight", "0.bias", "2.bias", "input0"]


def test_a_module_that_forgets_half_its_gradient_is_found(torch: Any) -> None:
    class Gated(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(3, 3)

        def forward(self, A: Any) -> Any:
            Z = self.linear(A)
            return Z * torch.sigmoid(Z).detach()

    report = hg.check_gradient(*from_torch(Gated(), draws(4, 3)))
    assert wrong(report).keys() == {"linear.weight", "linear.bias", "input0"}


@pytest.mark.parametrize(
    ("function", "inputs", "error", "words"),
    [
        (lambda A: A, [np.ones(2, dtype=complex)], TypeError, "input0 holds torch.complex128"),
        (lambda A: A.argmax(), [np.ones(2)], ValueError, "no tensor of floats"),
        (lambda A: (A, 1j * A), [np.ones(2)], ValueError, "answers complex numbers"),
        (lambda A: A, [np.arange(2)], ValueError, "x is empty"),
    ],
)
def test_what_from_torch_refuses(
    torch: Any, function: Any, inputs: list[Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        hg.check_gradient(*from_torch(function, *inputs))


def test_a_parameter_with_the_name_of_an_input_is_refused(torch: Any) -> None:
    module = torch.nn.Module()
    module.input0 = torch.nn.Parameter(torch.ones(2))
    with pytest.raises(ValueError, match="parameter called 'input0'"):
        from_torch(module, np.arange(2))


# --- JAX ----------------------------------------------------------------------------------------------------------


def with_rule(jax: Any, rule: Any) -> Any:
    """tanh(A W) with a reverse rule of one's own."""

    @jax.custom_vjp
    def function(A: Any, W: Any) -> Any:
        return jax.numpy.tanh(A @ W)

    def forward(A: Any, W: Any) -> Any:
        answer = jax.numpy.tanh(A @ W)
        return answer, (A, W, answer)

    function.defvjp(forward, lambda kept, upstream: rule(*kept[:2], (1 - kept[2] ** 2) * upstream))
    return lambda x: function(x["A"], x["W"])


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (lambda A, W, dZ: (dZ @ W.T, A.T @ dZ), {}),
        (lambda A, W, dZ: (2 * dZ @ W.T, A.T @ dZ), {"A": 2}),
        (lambda A, W, dZ: (dZ @ W.T, -A.T @ dZ), {"W": -1}),
        (lambda A, W, dZ: (dZ @ W.T, (A.T @ dZ).T), {"W": None}),
    ],
    ids=["right", "factor 2", "sign", "transposed"],
)
def test_a_custom_vjp(jax: Any, rule: Any, found: dict[str, float | None]) -> None:
    report = hg.check_gradient(*from_jax(with_rule(jax, rule), {"A": draws(4, 3), "W": draws(3, 3)}))
    assert report.passed is (not found), str(report)
    factors = wrong(report)
    assert factors.keys() == found.keys()
    for name, factor in found.items():
        assert factor is None or factors[name] == pytest.approx(factor, rel=1e-7)


@pytest.mark.parametrize("factor", [1.0, -1.0, 1.001])
def test_a_custom_jvp(jax: Any, factor: float) -> None:
    @jax.custom_jvp
    def softplus(z: Any) -> Any:
        return jax.numpy.logaddexp(z, 0.0)

    softplus.defjvps(lambda tangent, answer, z: factor * jax.nn.sigmoid(z) * tangent)
    factors = wrong(hg.check_gradient(*from_jax(softplus, draws(5))))
    assert factors == ({} if factor == 1 else {"x": pytest.approx(factor, rel=1e-7)})


def test_any_structure_is_named_and_proved(jax: Any) -> None:
    def network(x: Any) -> Any:
        A = x["A"]
        for W, b in x["layers"]:
            A = jax.numpy.tanh(A @ W + b)
        return {"rows": A[x["rows"]], "whole": x["rows"]}

    layers = [(draws(3, 4).astype("float32"), draws(4)), (draws(4, 2), draws(2))]
    value, gradient, x = from_jax(network, {"A": draws(5, 3), "layers": layers, "rows": np.array([0, 2])})
    assert list(x) == ["A", "layers[0][0]", "layers[0][1]", "layers[1][0]", "layers[1][1]"]
    report = hg.check_gradient(value, gradient, x)
    assert report.passed, str(report)
    assert list(from_jax(lambda x: x[0] * x[1], [draws(2), draws(2)])[2]) == ["x[0]", "x[1]"]
    value, gradient, x = from_jax(lambda x: x["a.b"] ** 2 * x["a"]["b"], {"a": {"b": draws(2)}, "a.b": draws(2)})
    assert list(x) == ["x['a']['b']", "x['a.b']"]
    assert hg.check_gradient(value, gradient, x).passed


def test_an_answer_that_does_not_depend_on_x_has_gradient_zero(jax: Any) -> None:
    value, gradient, x = from_jax(lambda x: 3.0, draws(2))
    assert value(x) == 3
    np.testing.assert_array_equal(gradient(x)["x"], [0, 0])


def test_jax_is_asked_in_float64_and_its_setting_is_left_alone(jax: Any) -> None:
    before = jax.numpy.ones(2).dtype
    seen = []

    def function(x: Any) -> Any:
        seen.append(x.dtype)
        return (x**2).sum()

    value, gradient, x = from_jax(function, jax.numpy.asarray([3.0, 4.0], dtype="float32"))
    assert value(x) == 25
    np.testing.assert_array_equal(gradient(x)["x"], [6, 8])
    assert set(seen) == {np.dtype("float64")}
    assert jax.numpy.ones(2).dtype == before


def test_what_from_jax_refuses(jax: Any) -> None:
    with pytest.raises(TypeError, match="x is complex"):
        from_jax(lambda x: x, np.ones(2, dtype=complex))
    with pytest.raises(ValueError, match="answers complex numbers"):
        hg.check_gradient(*from_jax(lambda x: 1j * x, np.ones(2)))
    with pytest.raises(ValueError, match="no array of floats"):
        hg.check_gradient(*from_jax(lambda x: x.argmax(), np.ones(2)))


# --- neither is needed before it is used --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("adapter", "module", "install"), [(from_torch, "torch", "handgrad[torch]"), (from_jax, "jax", "handgrad[bench]")]
)
def test_a_missing_library_is_named(adapter: Any, module: str, install: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    found = importlib.import_module

    def missing(name: str, *more: Any) -> Any:
        if name == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, *more)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ModuleNotFoundError) as raised:
        adapter(math.fsum, np.ones(2))
    assert f"pip install '{install}'" in str(raised.value)
