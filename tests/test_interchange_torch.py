"""PyTorch: modules compute and learn what the network does, there and back; what we do not have is refused."""

import copy
import pickle
import sys

import numpy as np
import pytest

import handgrad as hg
from handgrad.activations import activations
from handgrad.interchange.torch_out import save_torch
from travelling import CASES, case_name, distance, every_function, network_of, patients, rows_of

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional


def logits(module, X):
    with torch.no_grad():
        return module(torch.from_numpy(X)).numpy()


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_every_activation_and_layer_there_and_back(case):
    net = network_of(case)
    X, module = rows_of(net), hg.to_torch(net)
    assert not module.training
    expected, off = net.forward(X, engine="numpy"), 1e-12 if case["dtype"] == "float64" else 2e-6
    assert logits(module, X).dtype == net.dtype
    assert distance(logits(module, X), expected) <= off
    again = hg.from_torch(module, loss=net.loss_rule)
    assert (again.dtype, again.layers) == (net.dtype, net.layers)
    np.testing.assert_array_equal(again.params, net.params)
    np.testing.assert_array_equal(again.state, net.state)


LOSSES = {
    "softmax_cross_entropy": F.cross_entropy,
    "sigmoid_cross_entropy": F.binary_cross_entropy_with_logits,
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
    "poisson": F.poisson_nll_loss,
}


def gradients(module):
    """By our names: weights W (fan_in, fan_out), and rows for the rest."""
    words = {"weight": {nn.Linear: "W"}, "bias": {nn.Linear: "b"}}
    found = {}
    for name, part in module.named_modules():
        for key, parameter in part.named_parameters(recurse=False):
            ours = words[key].get(type(part), {"weight": "gain", "bias": "shift"}[key])
            grad = parameter.grad.numpy()
            found[f"{name.rpartition('.')[2]}.{ours}"] = grad.T if ours == "W" else grad[None]
    return found


@pytest.mark.parametrize("norm", [None, "batch", "layer"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("there", [True, False])
def test_autograd_finds_the_gradient_derived_by_hand(norm, loss, there):
    net = network_of(CASES[0] | {"activation": "tanh", "loss": loss, "norm": norm, "residual": True, "dropout": 0.0})
    net = net.astype("float64")
    draws = np.random.default_rng(0)
    X = draws.standard_normal((9, 4))
    y = draws.integers(0, 3, 9) if loss == "softmax_cross_entropy" else draws.random((9, 3))
    module = hg.to_torch(net).train()
    if not there:
        net = hg.from_torch(module, loss=loss)
    LOSSES[loss](module(torch.from_numpy(X)), torch.from_numpy(y)).backward()
    gradient, theirs = net.named(net.gradient(X, y)[1]), gradients(module)
    assert set(gradient) == set(theirs)
    for name, ours in gradient.items():
        np.testing.assert_allclose(ours, theirs[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_batch_norm_measures_the_same_in_training():
    net = hg.Network.mlp([3, 4, 2], norm="batch", seed=0)
    X = np.random.default_rng(0).standard_normal((10, 3))
    module = hg.to_torch(net).train()
    for _ in range(3):
        module(torch.from_numpy(X))
        net.update_state(X)
    np.testing.assert_allclose(hg.from_torch(module, loss=net.loss_rule).state, net.state, rtol=1e-12)


def test_a_formula_of_your_own_is_computed_and_differentiated_by_torch():
    net = hg.Network([hg.Dense(1, 1), hg.Activation(every_function(p=0.5))], loss="mse")
    net["dense1.W"] = [[1.0]]
    X = np.concatenate([np.linspace(-12, 12, 97), [-60.0, 60.0, 1e-9]])[:, None]
    for module in (hg.to_torch(net), copy.deepcopy(hg.to_torch(net)), pickle.loads(pickle.dumps(hg.to_torch(net)))):
        assert distance(logits(module, X), every_function(p=0.5).value(X)) <= 1e-14
    z = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    module.activation1(z).backward()
    h = 1e-6
    ends = every_function(p=0.5).value(np.array([0.7 - h, 0.7 + h]))
    assert z.grad.item() == pytest.approx((ends[1] - ends[0]) / (2 * h), rel=1e-7)
    with pytest.raises(TypeError, match=r"module\[1\] is Elementwise"):
        hg.from_torch(module, loss="mse")


def test_a_rule_of_your_own_is_not_taken_for_the_built_in_of_its_name():
    mine = hg.activations.Formula("relu", f=lambda z: -z, df=lambda z, a: 0 * z - 1)
    net = hg.Network.mlp([2, 3, 2], activation=mine)
    X = rows_of(net)
    assert distance(logits(hg.to_torch(net), X), net.forward(X, engine="numpy")) <= 1e-12


def test_a_built_in_activation_that_torch_lacks_travels_by_its_formula(monkeypatch):
    cube = hg.activations.Formula("cube", f=lambda z, k: k * z**3, df=lambda z, a, k: 3 * k * z * z, k=2.0)
    monkeypatch.setitem(activations.rules, "cube", cube)
    net = hg.Network.mlp([2, 3, 2], activation="cube(0.5)")
    X = rows_of(net)[:-2]
    module = hg.to_torch(net)
    assert distance(logits(module, X), net.forward(X, engine="numpy")) <= 1e-12
    assert hg.from_torch(module, loss=net.loss_rule).layers == net.layers


def test_parameters_are_copies_and_the_state_dict_has_the_names_of_the_layers():
    net = hg.Network.mlp([2, 3, 2], norm="batch")
    module = hg.to_torch(net)
    before = net.params.copy()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 1
    np.testing.assert_array_equal(net.params, before)
    assert {"dense1.weight", "batchnorm1.running_var", "dense2.bias"} <= set(module.state_dict())
    again = hg.from_torch(module, loss="mse")
    again.params += 1
    assert module.dense2.bias.max() == 1


# --- from PyTorch ---


def test_a_module_as_people_write_it():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Flatten(),
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.2)),
        nn.Linear(8, 6, bias=False),
        nn.LayerNorm(6),
        nn.Softplus(),
        nn.Linear(6, 3),
        nn.LogSoftmax(dim=-1),
    )
    X = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    module.train()(torch.from_numpy(X))
    net = hg.from_torch(module.eval())
    assert repr(net.loss_rule) == "softmax_cross_entropy"
    assert net.dtype == np.float32
    assert distance(np.log(net.predict_proba(X)), logits(module, X)) <= 2e-6


@pytest.mark.parametrize(
    ("last", "loss", "found", "layers"),
    [
        (nn.Softmax(dim=1), None, "softmax_cross_entropy", 1),
        (nn.LogSoftmax(dim=1), "softmax_cross_entropy", "softmax_cross_entropy", 1),
        (nn.Sigmoid(), None, "sigmoid_cross_entropy", 1),
        (nn.Sigmoid(), "mse", "mse", 2),
        (nn.Tanh(), "mse", "mse", 2),
        (nn.Identity(), "huber(delta=0.5)", "huber(delta=0.5)", 2),
    ],
)
def test_the_last_module_and_the_loss(last, loss, found, layers):
    net = hg.from_torch(nn.Sequential(nn.Linear(2, 3), last), loss=loss)
    assert (repr(net.loss_rule), len(net.layers)) == (found, layers)


def shared():
    linear = nn.Linear(2, 2)
    return nn.Sequential(linear, nn.ReLU(), linear)


def hooked():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[1].register_forward_hook(lambda module, args, output: 2 * output)
    return module


def overridden():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[1].forward = lambda A: 2 * A
    return module


class OwnFlatten(nn.Flatten):
    def forward(self, A):
        return -super().forward(A)


def diverged():
    module = nn.Sequential(nn.Linear(2, 2))
    torch.nn.init.constant_(module[0].weight, float("nan"))
    return module


@pytest.mark.parametrize(
    ("module", "loss", "error", "words"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.Conv1d(2, 2, 1)), "mse", TypeError, r"module\[1\] is Conv1d"),
        (nn.Sequential(nn.Sequential(nn.ReLU(), nn.Flatten()), nn.Linear(2, 2)), "mse", TypeError, r"module\[0\]\[1\]"),
        (nn.Sequential(nn.Linear(2, 2), nn.GELU(approximate="tanh")), "mse", ValueError, "approximate='none'"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softplus(beta=2)), "mse", ValueError, "beta=1"),
        (nn.Sequential(nn.Linear(2, 2), nn.Hardtanh(0, 6)), "mse", ValueError, "min_val=-1"),
        (
            nn.Sequential(nn.Linear(2, 2), nn.ReLU6()),
            "mse",
            TypeError,
            r"module\[1\] is ReLU6\(\), which handgrad has no",
        ),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)), "mse", ValueError, "affine=True"),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, momentum=None)), "mse", ValueError, "a momentum"),
        (nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2, elementwise_affine=False)), "mse", ValueError, "one axis"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=0)), None, ValueError, "dim=1"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=1)), "mse", ValueError, "loss is mse but"),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), None, ValueError, "loss is missing.*loss='mse'"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 2)), "mse", ValueError, "fan_in=3 but the layer before gives 2"),
        (nn.Sequential(nn.Linear(2, 2).half()), "mse", ValueError, "float16"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).double()), "mse", ValueError, "float32, float64"),
        (nn.Sequential(nn.ReLU()), "mse", ValueError, "no type"),
        (nn.Sequential(), "mse", ValueError, "no type|layers"),
        (nn.Sequential(nn.Linear(2, 2)), "nonsense", ValueError, "unknown loss"),
        (shared(), "mse", ValueError, r"module\[2\] shares a parameter with module\[0\]"),
        (hooked(), "mse", ValueError, r"module\[1\] is Linear.*hook"),
        (overridden(), "mse", ValueError, r"module\[1\] is Linear.*a forward of its own"),
        (nn.Sequential(OwnFlatten(), nn.Linear(2, 2)), "mse", TypeError, r"module\[0\] is OwnFlatten"),
        (diverged(), "mse", ValueError, r"dense1\.W has 4 values that are not finite"),
        (torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)), "mse", TypeError, "module is Parametrized"),
        (torch.ones(2), "mse", TypeError, "expected a torch.nn.Sequential"),
    ],
)
def test_what_we_do_not_have_is_refused_with_its_place(module, loss, error, words):
    with pytest.raises(error, match=words):
        hg.from_torch(module, loss=loss)


def test_a_softplus_with_torchs_own_threshold_is_ours():
    net = hg.from_torch(nn.Sequential(nn.Linear(1, 1).double(), nn.Softplus()), loss="mse")
    net["dense1.W"], net["dense1.b"] = [[1.0]], [[0.0]]
    X = np.linspace(-40, 40, 801)[:, None]
    assert np.abs(net.forward(X) - F.softplus(torch.from_numpy(X)).numpy()).max() <= 3e-9


# --- the file and the rest ---


def test_the_file_is_loaded_with_weights_only(tmp_path):
    net = patients()
    save_torch(net, tmp_path / "net.pt")
    content = torch.load(tmp_path / "net.pt", weights_only=True)
    module = nn.Sequential()
    for name, part in (("dense1", nn.Linear(8, 6)), ("activation1", nn.Tanh()), ("dense2", nn.Linear(6, 3))):
        module.add_module(name, part)
    module.double().load_state_dict(content["state_dict"])
    X = rows_of(net)
    assert distance(logits(module, X), net.forward(X)) <= 1e-12
    assert repr(module) == content["module"]
    assert content["loss"] == "softmax_cross_entropy"
    assert type(net.preprocessing).from_dict(content["preprocessing"]) == net.preprocessing


@pytest.mark.parametrize("call", [hg.to_torch, lambda net: hg.from_torch(net, loss="mse")])
def test_without_torch_it_says_what_to_install(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'handgrad\[torch\]'"):
        call(hg.Network.mlp([2, 2]))


def test_a_stack_is_refused():
    with pytest.raises(ValueError, match=r"stack of 2 networks.*net\[0\]"):
        hg.to_torch(hg.Network.mlp([2, 2], seed=range(2)))
