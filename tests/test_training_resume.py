"""Training stopped and taken up again goes on with the same bits."""

import numpy as np
import pytest

import handgrad as hg

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(25, 3)), np.arange(25) % 2
VALIDATION = (RANDOM.normal(size=(9, 3)), np.arange(9) % 2)
OPTIMIZERS = [
    hg.SGD(0.5),
    hg.SGD(0.1, momentum=0.9),
    hg.SGD(0.1, momentum=0.9, nesterov=True),
    hg.RMSprop(0.05),
    hg.Adagrad(0.1),
    hg.Adam(0.05),
    hg.AdamW(0.05),
]
FEATURES = {
    "plain": {},
    "schedule": {"schedule": "cosine(warmup=2)"},
    "plateau": {"schedule": "reduce_on_plateau(factor=0.5, patience=1)"},
    "early stopping": {"stop": hg.EarlyStopping(patience=2), "validation": VALIDATION, "metrics": ("accuracy",)},
    "weights, clipping, frozen": {"class_weight": "balanced", "clip_norm": 0.1, "frozen": ("dense2.b",)},
}


def training(optimizer, seed=3, **settings):
    """Batch norm, dropout (but for L-BFGS) and LSUV, so that everything there is to remember is there."""
    sizes = {"dropout": 0.0 if isinstance(optimizer, hg.LBFGS) else 0.3, "norm": "batch", "init": "lsuv", "l2": 0.01}
    net = hg.Network.mlp([3, 6, 2], activation="tanh", seed=seed, **sizes)
    return hg.Training(net, X, Y, **({"epochs": 9, "batch_size": 10, "optimizer": optimizer} | settings))


def assert_same(one, other):
    np.testing.assert_array_equal(one.net.params, other.net.params)
    np.testing.assert_array_equal(one.net.state, other.net.state)
    assert one.history.columns.keys() == other.history.columns.keys()
    for name in one.history.columns:
        np.testing.assert_array_equal(getattr(one.history, name), getattr(other.history, name))


@pytest.mark.parametrize("seed", [3, range(3)], ids=["single", "stack"])
@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_pieces_and_checkpoints_equal_one_run(optimizer, feature, seed):
    whole, pieces, resumed = (training(optimizer, seed, **FEATURES[feature]) for _ in range(3))
    whole.run()
    pieces.run(epochs=4)
    checkpoint = pieces.state_dict()
    pieces.run(epochs=3)  # what goes on afterwards must not reach the checkpoint
    pieces.run()
    resumed.load_state_dict(checkpoint)
    resumed.run()
    assert_same(pieces, whole)
    assert_same(resumed, whole)


def test_lbfgs_takes_up_where_the_last_run_ended():
    going, resumed = (training(hg.LBFGS(), schedule=None) for _ in range(2))
    going.run(epochs=4)
    resumed.load_state_dict(going.state_dict())
    going.run(epochs=5)
    resumed.run(epochs=5)
    assert_same(going, resumed)


def test_a_diverged_network_stays_so():
    rates = hg.SGD([0.1, 1e308])
    whole, resumed = training(rates, seed=range(2)), training(rates, seed=range(2))
    with pytest.warns(RuntimeWarning, match="1 of 2 networks diverged"):
        whole.run(epochs=4)
    resumed.load_state_dict(whole.state_dict())
    whole.run()  # says nothing again
    resumed.run()
    assert set(whole.diverged) == set(resumed.diverged) == {1}
    assert_same(whole, resumed)


def test_a_checkpoint_is_plain_arrays_and_numbers():
    def plain(value):
        if isinstance(value, dict):
            return all(plain(each) for each in value.values())
        if isinstance(value, list | tuple):
            return all(plain(each) for each in value)
        return value is None or isinstance(value, int | float | str | np.number | np.ndarray)

    for seed in (3, range(2)):
        running = training(hg.Adam(), seed, **FEATURES["early stopping"], schedule="reduce_on_plateau")
        running.run(epochs=2)
        assert plain(running.state_dict())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optimizer": hg.SGD(0.1)}, "another optimizer: Adam; this training has SGD"),
        ({"optimizer": hg.AdamW()}, "another optimizer: Adam; this training has AdamW"),
        ({"seed": range(3)}, r"another seed: 3; this training has \[0, 1, 2\]"),
        ({"schedule": "reduce_on_plateau"}, "another schedule: constant; this training has reduce_on_plateau"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(settings, words):
    saved, other = training(hg.Adam()), training(**({"optimizer": hg.Adam()} | settings))
    saved.run(epochs=2)
    before = other.state_dict()
    with pytest.raises(ValueError, match=words):
        other.load_state_dict(saved.state_dict())
    np.testing.assert_equal(other.state_dict(), before)


@pytest.mark.parametrize("damage", ["active", "slots", "of", "history"])
def test_a_checkpoint_that_is_not_whole_is_refused(damage):
    saved, other = training(hg.Adam()), training(hg.Adam())
    saved.run(epochs=2)
    broken = saved.state_dict()
    del broken[damage]
    before = other.state_dict()
    with pytest.raises(ValueError, match=f"state_dict lacks {damage}"):
        other.load_state_dict(broken)
    np.testing.assert_equal(other.state_dict(), before)
