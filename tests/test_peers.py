"""Loss and gradient against PyTorch's autograd, on random networks over activations, losses, norms, skips and l2.

Dropout has no common stream of random numbers: the peer takes our mask, read off what our layer passes on.
"""

import numpy as np
import pytest

import handgrad as hg
from handgrad.activations import activations
from handgrad.layers import Context
from handgrad.losses import losses

torch = pytest.importorskip("torch")
F = torch.nn.functional

ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "leaky_relu(slope=0.3)": lambda z: F.leaky_relu(z, 0.3),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "hard_tanh": F.hardtanh,
}
LOSSES = {  # the mean over outputs of each row's loss
    "softmax_cross_entropy": lambda z, t: F.cross_entropy(z, t, reduction="none"),
    "sigmoid_cross_entropy": lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction="none").mean(dim=1),
    "mse": lambda z, t: F.mse_loss(z, t, reduction="none").mean(dim=1),
    "mae": lambda z, t: F.l1_loss(z, t, reduction="none").mean(dim=1),
    "huber": lambda z, t: F.huber_loss(z, t, reduction="none").mean(dim=1),
    "huber(delta=0.3)": lambda z, t: F.huber_loss(z, t, reduction="none", delta=0.3).mean(dim=1),
    "poisson": lambda z, t: F.poisson_nll_loss(z, t, reduction="none").mean(dim=1),
    "quantile": lambda z, t: torch.maximum(0.5 * (t - z), -0.5 * (t - z)).mean(dim=1),
    "quantile(q=0.9)": lambda z, t: torch.maximum(0.9 * (t - z), -0.1 * (t - z)).mean(dim=1),
}
STATISTICS = ("mean", "variance")
NORMS = {None: None, "batch": hg.BatchNorm, "layer": hg.LayerNorm}


def test_every_rule_has_a_peer():
    assert {activations.find(name).name for name in ACTIVATIONS} == {rule.name for rule in activations}
    assert {losses.find(name).name for name in LOSSES} == {rule.name for rule in losses}


def build(activation, loss, norm, residual, l2, seed, dropout=0.0):
    block = [hg.Dense(6, 6), *([NORMS[norm](6)] if norm else []), hg.Activation(activation), hg.Dropout(dropout)]
    middle = [hg.Residual(block)] if residual else block
    net = hg.Network([hg.Dense(4, 6), *middle, hg.Dense(6, 3)], loss=loss, l2=l2, seed=seed)
    net.params += 0.3 * np.random.default_rng(seed).normal(size=net.params.shape)  # no zero biases, no unit gains
    net.state += 0.3 * np.random.default_rng(seed + 1).random(net.state.shape)  # variances stay above 0
    return net


def peer(net, activation, loss, X, target, weights, training=True, masks=None):
    """PyTorch's objective and its gradients by our flat vector and by X; `masks` are what dropout multiplies by."""
    vector = torch.tensor(net.params, requires_grad=True)
    params = {
        segment.name: vector[segment.start : segment.stop].reshape(segment.shape) for segment in net.layout.segments
    }
    names = iter([leaf.name for leaf in net.leaves])

    def run(layers, A):
        for layer in layers:
            if layer.inner:
                A = A + run(layer.inner, A)
                continue
            name = next(names)
            if isinstance(layer, hg.Dense):
                A = F.linear(A, params[f"{name}.W"].T, params[f"{name}.b"][0])
            elif isinstance(layer, hg.Activation):
                A = ACTIVATIONS[activation](A)
            elif isinstance(layer, hg.Dropout):
                A = A * torch.tensor(masks[name]) if masks else A
            else:
                gain, shift = params[f"{name}.gain"][0], params[f"{name}.shift"][0]
                if isinstance(layer, hg.BatchNorm):
                    running = [None if training else torch.tensor(net[f"{name}.{key}"][0]) for key in STATISTICS]
                    A = F.batch_norm(A, *running, gain, shift, training)
                else:
                    A = F.layer_norm(A, (6,), gain, shift)
        return A

    inputs = torch.tensor(X, requires_grad=True)
    rows = LOSSES[loss](run(net.layers, inputs), torch.tensor(target))
    penalty = sum((W**2).sum() for name, W in params.items() if name.endswith(".W"))
    objective = (torch.tensor(weights) * rows).sum() / weights.sum() + net.l2 / 2 * penalty
    objective.backward()
    return objective.item(), vector.grad.numpy(), inputs.grad.numpy()


def assert_agree(net, activation, loss, seed, masks=None, **mode):
    """Our loss and gradients, by parameters and inputs, are autograd's."""
    random = np.random.default_rng(seed)
    X, y, weights = random.normal(size=(9, 4)), targets(loss, random), random.random(9)
    ours, gradient = net.gradient(X, y, sample_weight=weights, **mode)
    dX = net.input_gradient(X, y, sample_weight=weights, **mode)
    theirs, autograd, their_dX = peer(net, activation, loss, X, y, weights, mode.get("training", True), masks)
    assert ours == pytest.approx(theirs, rel=1e-10)
    assert np.linalg.norm(gradient - autograd) <= 1e-10 * np.linalg.norm(autograd)
    assert np.linalg.norm(dX - their_dX) <= 1e-10 * np.linalg.norm(their_dX)


def targets(loss, random):
    return {
        "softmax_cross_entropy": random.integers(0, 3, 9),
        "poisson": random.poisson(2.0, (9, 3)).astype(float),
    }.get(loss, random.random((9, 3)))


def pairwise():
    """Each activation with each loss; norm, skip and penalty so that every pair of choices meets."""
    for i, activation in enumerate(ACTIVATIONS):
        for j, loss in enumerate(LOSSES):
            norm, residual = list(NORMS)[(i + j) % 3], bool((i + j) % 2)
            yield activation, loss, norm, residual, 0.1 * ((i // 2 + j // 2) % 2)


@pytest.mark.parametrize(("activation", "loss", "norm", "residual", "l2"), list(pairwise()))
def test_loss_and_gradient_agree_with_autograd(activation, loss, norm, residual, l2):
    net = build(activation, loss, norm, residual, l2, seed=len(activation))
    assert_agree(net, activation, loss, seed=len(activation + loss))


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("training", [False, True])
def test_dropout_with_our_mask_and_norms_in_both_modes(training, norm, residual):
    net, mode = build("tanh", "mse", norm, residual, 0.1, seed=3, dropout=0.4), {"training": training, "step": 2}
    masks = {}
    for leaf in net.leaves:
        if isinstance(leaf.layer, hg.Dropout):
            context = Context(seed=net.seed, layer=leaf.number, **mode)
            masks[leaf.name], _ = leaf.layer.forward({}, np.ones((9, 6)), context)
    assert all((mask == 0).any() == training for mask in masks.values())
    assert_agree(net, "tanh", "mse", seed=5, masks=masks, **mode)
