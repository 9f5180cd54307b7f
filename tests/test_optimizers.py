"""Every optimiser against its paper, written out again for one number, and against PyTorch's."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from handgrad.optimizers import _BY_NAME, LBFGS, SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop, find_optimizer

START = np.array([1.5, -0.7, 0.0, 3.0, -2.0])


def slope(w):
    """The gradient of a bumpy bowl, so that where a step leads matters for the next."""
    return 0.3 * w + np.sin(2 * w)


def run(optimizer, w, steps=50, gradient=slope):
    """The path of the package's rule, (steps, P), with a constant learning rate; all of w counts as weights."""
    optimizer = optimizer.for_stack(len(w) if w.ndim == 2 else None)
    rule, slots, path = optimizer.update(), [np.zeros_like(w) for _ in optimizer.slots], []
    for step in range(1, steps + 1):
        g = gradient(w)
        if optimizer.decays:
            w = w * optimizer.shrink(optimizer.learning_rate)
        w, *slots = rule(w, g, *slots, **optimizer.coefficients(step, optimizer.learning_rate))
        path.append(w)
    return np.array(path)


# Each paper's algorithm for a single number, as a generator of its path.


def sgd_by_the_book(w, rate):
    while True:
        w = w - rate * slope(w)
        yield w


def polyak(w, rate, mu):  # heavy ball (1964): w_{t+1} = w_t - η g + μ (w_t - w_{t-1})
    before = w
    while True:
        before, w = w, w - rate * slope(w) + mu * (w - before)
        yield w


def sutskever(theta, rate, mu):  # 2013, eq. 3 and 4: the gradient is taken at θ + μ v, which is what we call w
    v = 0.0
    while True:
        v = mu * v - rate * slope(theta + mu * v)
        theta = theta + v
        yield theta + mu * v


def hinton(w, rate, rho, epsilon):
    s = 0.0
    while True:
        g = slope(w)
        s = rho * s + (1 - rho) * g**2
        w = w - rate * g / (sqrt(s) + epsilon)
        yield w


def duchi(w, rate, epsilon):
    squares = []
    while True:
        g = slope(w)
        squares.append(g**2)
        w = w - rate * g / (sqrt(sum(squares)) + epsilon)
        yield w


def kingma_ba(w, rate, beta1, beta2, epsilon, decay=0.0):  # algorithm 1; decay as in Loshchilov & Hutter, algorithm 2
    m = v = t = 0
    while True:
        t += 1
        g = slope(w)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - rate * (m_hat / (sqrt(v_hat) + epsilon) + decay * w)
        yield w


BY_THE_BOOK = [
    (SGD(0.1), lambda w: sgd_by_the_book(w, 0.1)),
    (SGD(0.1, momentum=0.9), lambda w: polyak(w, 0.1, 0.9)),
    (SGD(0.1, momentum=0.8, nesterov=True), lambda w: sutskever(w, 0.1, 0.8)),
    (RMSprop(0.05, rho=0.8, epsilon=1e-3), lambda w: hinton(w, 0.05, 0.8, 1e-3)),
    (Adagrad(0.3, epsilon=1e-3), lambda w: duchi(w, 0.3, 1e-3)),
    (Adam(0.1), lambda w: kingma_ba(w, 0.1, 0.9, 0.999, 1e-8)),
    (Adam(0.1, beta1=0.5, beta2=0.8, epsilon=1e-2), lambda w: kingma_ba(w, 0.1, 0.5, 0.8, 1e-2)),
    (AdamW(0.1, weight_decay=0.2), lambda w: kingma_ba(w, 0.1, 0.9, 0.999, 1e-8, decay=0.2)),
]
OPTIMIZERS = [optimizer for optimizer, _ in BY_THE_BOOK]
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)


@pytest.mark.parametrize(("optimizer", "book"), BY_THE_BOOK, ids=map(repr, OPTIMIZERS))
def test_the_path_is_that_of_the_paper(optimizer, book):
    expected = np.array([[w for w, _ in zip(book(start), range(50), strict=False)] for start in START.tolist()]).T
    np.testing.assert_allclose(run(optimizer, START), expected, rtol=1e-9, atol=1e-12)


def test_every_rule_is_in_the_book():
    assert {type(optimizer) for optimizer in OPTIMIZERS} == set(_BY_NAME.values()) - {LBFGS}


TORCH = {
    "SGD": lambda optim, w, o: optim.SGD(w, o.learning_rate, momentum=o.momentum, nesterov=o.nesterov),
    "RMSprop": lambda optim, w, o: optim.RMSprop(w, o.learning_rate, alpha=o.rho, eps=o.epsilon),
    "Adagrad": lambda optim, w, o: optim.Adagrad(w, o.learning_rate, eps=o.epsilon),
    "Adam": lambda optim, w, o: optim.Adam(w, o.learning_rate, betas=(o.beta1, o.beta2), eps=o.epsilon),
    "AdamW": lambda optim, w, o: optim.AdamW(
        w, o.learning_rate, betas=(o.beta1, o.beta2), eps=o.epsilon, weight_decay=o.weight_decay
    ),
}


@every_optimizer
def test_the_path_is_pytorchs(optimizer):
    """With a constant rate. PyTorch's AdamW decays biases too, ours weights only: here everything is a weight."""
    torch = pytest.importorskip("torch")
    w = torch.tensor(START)
    peer, path = TORCH[type(optimizer).__name__](torch.optim, [w], optimizer), []
    for _ in range(50):
        w.grad = torch.tensor(slope(w.numpy()))
        peer.step()
        path.append(w.numpy().copy())
    np.testing.assert_allclose(run(optimizer, START), path, rtol=1e-9, atol=1e-12)


PER_NETWORK = [
    SGD([0.1, 0.2, 0.3]),
    SGD(0.1, momentum=[0.0, 0.5, 0.9]),
    SGD([0.1, 0.2, 0.3], momentum=np.array([0.3, 0.5, 0.9]), nesterov=True),
    RMSprop((0.1, 0.2, 0.3), rho=[0.5, 0.8, 0.9], epsilon=[1e-8, 1e-4, 1e-2]),
    Adagrad([0.1, 0.2, 0.3]),
    Adam(0.1, beta1=[0.0, 0.5, 0.9], beta2=[0.9, 0.99, 0.999]),
    AdamW([0.1, 0.2, 0.3], weight_decay=[0.0, 0.1, 0.2]),
]


@pytest.mark.parametrize("optimizer", PER_NETWORK, ids=str)
def test_networks_of_a_stack_with_their_own_settings_go_as_they_do_alone(optimizer):
    starts = np.stack([START, START[::-1], -START])
    together = run(optimizer, starts)
    for s, start in enumerate(starts):
        own = {name: value[s] for name, value in vars(optimizer).items() if np.ndim(value) == 1 and name != "slots"}
        np.testing.assert_array_equal(together[:, s], run(replace(optimizer, **own), start))


@every_optimizer
def test_a_shared_setting_stays_one_number_for_a_stack(optimizer):
    assert optimizer.for_stack(3) == optimizer
    np.testing.assert_array_equal(run(optimizer, np.stack([START, START]))[:, 1], run(optimizer, START))


@pytest.mark.parametrize("number", [float, np.float32, np.float64])
@every_optimizer
def test_float32_stays_float32_whatever_kind_of_number_the_settings_are(optimizer, number):
    typed = replace(optimizer, learning_rate=number(0.125))
    w = START.astype(np.float32)
    slots = [np.zeros_like(w) for _ in typed.slots]
    results = typed.update()(w, slope(w), *slots, **typed.coefficients(1, typed.learning_rate))
    assert {each.dtype for each in results} == {np.dtype(np.float32)}
    assert len(results) == 1 + len(typed.slots)


@every_optimizer
def test_a_gradient_of_0_moves_nothing_at_the_start(optimizer):
    with np.errstate(all="raise"):
        path = run(
            replace(optimizer, **({"weight_decay": 0} if optimizer.decays else {})), START, gradient=np.zeros_like
        )
    np.testing.assert_array_equal(path, np.tile(START, (50, 1)))


@pytest.mark.parametrize(
    "optimizer", [*OPTIMIZERS, LBFGS(memory=5), *[record() for record in _BY_NAME.values()]], ids=repr
)
def test_text_brings_the_record_back(optimizer):
    assert find_optimizer(repr(optimizer)) == optimizer
    assert find_optimizer(optimizer) is optimizer


def test_names_and_settings_in_text():
    assert find_optimizer("sgd") == SGD()
    assert find_optimizer("AdamW(0.01, weight_decay=0.1)") == AdamW(0.01, weight_decay=0.1)
    assert find_optimizer("sgd(0.1, momentum=0.9, nesterov=False)") == SGD(0.1, momentum=0.9)
    assert find_optimizer("sgd(0.1, momentum=0.9, nesterov=1)").nesterov is True
    assert find_optimizer("lbfgs(memory=5)").memory == 5
    assert all(issubclass(record, Optimizer) for record in _BY_NAME.values())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SGD(0), ValueError, "SGD.learning_rate is 0; expected a finite number above 0"),
        (lambda: SGD(-0.1), ValueError, "SGD.learning_rate is -0.1"),
        (lambda: SGD("fast"), TypeError, "SGD.learning_rate is 'fast'; expected a finite number above 0"),
        (lambda: SGD(True), TypeError, "SGD.learning_rate is True"),
        (lambda: SGD(np.nan), ValueError, "SGD.learning_rate is nan"),
        (lambda: SGD([0.1, -0.2]), ValueError, "SGD.learning_rate is -0.2"),
        (lambda: SGD([[0.1]]), TypeError, r"SGD.learning_rate is \[0.1\]"),
        (lambda: SGD(0.1, momentum=1.0), ValueError, "SGD.momentum is 1.0; .* at least 0 and below 1"),
        (lambda: SGD(0.1, momentum=0.9, nesterov="yes"), TypeError, "SGD.nesterov is 'yes'; expected True or False"),
        (lambda: SGD(0.1, nesterov=True), ValueError, "SGD.nesterov is True but SGD.momentum is 0; give a momentum"),
        (lambda: LBFGS(0.001), ValueError, "LBFGS.learning_rate is 0.001; its line search sets the step: leave it out"),
        (lambda: LBFGS([0.1, 1.0]), ValueError, "LBFGS.learning_rate is "),
        (lambda: RMSprop(rho=-0.1), ValueError, "RMSprop.rho is -0.1"),
        (lambda: Adagrad(epsilon=0), ValueError, "Adagrad.epsilon is 0"),
        (lambda: Adam(beta1=1), ValueError, "Adam.beta1 is 1"),
        (lambda: Adam(beta2=[0.9, 1.1]), ValueError, "Adam.beta2 is 1.1"),
        (lambda: AdamW(weight_decay=-1), ValueError, "AdamW.weight_decay is -1; expected a finite number at least 0"),
        (lambda: LBFGS(memory=2.5), TypeError, "LBFGS.memory is 2.5; expected a whole number of at least 1"),
        (lambda: SGD([0.1, 0.2]).for_stack(3), ValueError, "SGD.learning_rate has 2 values for 3 networks"),
        (lambda: SGD([0.1]).for_stack(None), ValueError, "SGD.learning_rate has 1 values for a single network"),
        (lambda: find_optimizer("adm"), ValueError, "unknown optimizer 'adm'; did you mean 'adam'"),
        (lambda: find_optimizer("adam(rate=1)"), ValueError, "unknown setting of adam 'rate'; .*Known: learning_rate"),
        (
            lambda: find_optimizer("sgd(1, 0, 0, 4)"),
            TypeError,
            "sgd got 4 settings; it takes learning_rate, momentum, nes",
        ),
        (lambda: find_optimizer("sgd(1, learning_rate=2)"), TypeError, "sgd got its setting learning_rate twice"),
        (
            lambda: find_optimizer("adam(beta1='x')"),
            ValueError,
            r"adam\(beta1='x'\).* cannot be read; expected a name, or",
        ),
        (lambda: find_optimizer(SGD), TypeError, "optimizer is <class .*; expected a name such as 'adam' or a record"),
    ],
)
def test_bad_settings_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
