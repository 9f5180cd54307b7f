"""Wrong calls: refused before anything changes, with the argument, what came, what was expected, and the likely fix."""

import numpy as np
import pytest

import handgrad as hg
from handgrad.activations import Formula
from handgrad.layers import require_layers
from handgrad.metrics import balanced_accuracy, find_metric
from handgrad.optimizers import find_optimizer
from handgrad.schedules import schedules

X, Y = np.random.default_rng(0).normal(size=(8, 2)), np.arange(8) % 2


def spoiled(value, place, array=X):
    array = array.astype(type(value))
    array[place] = value
    return array


def make(**settings):
    return hg.Network.mlp([2, 4, 2], **settings)


def train(net, **settings):
    return hg.train(net, settings.pop("X", X), settings.pop("y", Y), **settings)


BUILDING = [  # call, exception, words in order
    (lambda: hg.Network([]), TypeError, "layers is []; expected a list of layers such as"),
    (lambda: hg.Network("dense"), TypeError, "layers is 'dense'; expected a list of layers"),
    (lambda: hg.Network([hg.Dense(2, 2), "relu"]), TypeError, "layers[1] is 'relu'; expected a layer such as Dense"),
    (lambda: hg.Network([hg.Dense(2, 3), hg.Dense(2, 2)]), ValueError, "layers[1] Dense: fan_in=2 ... gives 3 units"),
    (lambda: require_layers("layers", {1: 2}), TypeError, "layers is {1: 2}"),
    (lambda: hg.Residual([]), TypeError, "Residual.layers is []"),
    (lambda: hg.Dense(0, 2), ValueError, "Dense.fan_in is 0; expected a whole number of at least 1"),
    (lambda: hg.Dense(2, -3), ValueError, "Dense.fan_out is -3; expected"),
    (lambda: hg.Dense(2, 2.5), TypeError, "Dense.fan_out is 2.5; expected a whole number"),
    (lambda: hg.Dropout(1.0), ValueError, "Dropout.rate is 1.0; expected ... at least 0 and below 1"),
    (lambda: hg.Dropout("half"), TypeError, "Dropout.rate is 'half'; expected a finite number"),
    (lambda: hg.LayerNorm(0), ValueError, "LayerNorm.units is 0; expected"),
    (lambda: hg.BatchNorm(3, epsilon=0), ValueError, "BatchNorm.epsilon is 0; expected ... above 0"),
    (lambda: hg.BatchNorm(3, momentum=1), ValueError, "BatchNorm.momentum is 1; expected ... below 1"),
    (lambda: hg.Activation("rleu"), ValueError, "unknown activation 'rleu'; did you mean 'relu'?"),
    (lambda: hg.Activation(np.tanh), TypeError, "activation is <ufunc 'tanh'>; expected a name ... Formula record"),
    (lambda: hg.Activation("leaky_relu(slop=0.1)"), ValueError, "unknown parameter ... 'slop'; did you mean 'slope'?"),
    (lambda: Formula("mine", f=np.tanh, df=3), TypeError, "mine: df is 3; expected a function"),
    (lambda: hg.Network.mlp([2]), ValueError, "sizes is [2]; expected at least inputs and outputs"),
    (lambda: hg.Network.mlp([2, 0, 2]), ValueError, "sizes[1] is 0; expected a whole number of at least 1"),
    (lambda: hg.Network.mlp(2), TypeError, "sizes is 2; expected whole numbers of units such as [2, 10, 2]"),
    (lambda: make(activation=["relu", "tanh"]), ValueError, "activation has 2 entries for 1 hidden layers"),
    (lambda: make(norm="btch"), ValueError, "unknown norm 'btch'; did you mean 'batch'?"),
    (lambda: hg.Network.mlp([2, 2], norm="bach"), ValueError, "unknown norm 'bach'; did you mean 'batch'?"),
    (lambda: make(dropout=-0.1), ValueError, "Dropout.rate is -0.1; expected"),
    (lambda: make(loss="crossentropy"), ValueError, "unknown loss 'crossentropy'; did you mean 'cross_entropy'?"),
    (lambda: make(init="he_norml"), ValueError, "unknown initializer 'he_norml'; did you mean 'he_normal'?"),
    (lambda: make(init=["he_normal"] * 2), ValueError, "init has 2 entries for one network; give seed a sequence"),
    (lambda: make(init=["zeros"] * 2, seed=range(3)), ValueError, "init has 2 entries for 3 networks"),
    (lambda: make(l2=-1), ValueError, "l2 is -1; expected a finite number at least 0"),
    (lambda: make(l2=[0.1, 0.2]), ValueError, "l2 has 2 values for one network"),
    (lambda: make(l2=[0.1, 0.2], seed=range(3)), ValueError, "l2 has 2 values for 3 networks"),
    (lambda: make(seed=-1), ValueError, "seed is -1; expected a whole number of at least 0"),
    (lambda: make(seed=0.5), TypeError, "seed is 0.5; expected a whole number"),
    (lambda: make(seed=[]), ValueError, "seed is empty; a stack needs at least one seed"),
    (lambda: make(dtype="float16"), ValueError, "dtype is 'float16'; expected 'float32' or 'float64'"),
    (lambda: make(dtype="five"), ValueError, "dtype is 'five'; expected 'float32' or 'float64'"),
    (lambda: hg.SGD(0), ValueError, "SGD.learning_rate is 0; expected a finite number above 0"),
    (lambda: hg.SGD(0.1, momentum=1.0), ValueError, "SGD.momentum is 1.0; expected ... at least 0 and below 1"),
    (lambda: hg.Adam([0.1, -0.1]), ValueError, "Adam.learning_rate ... -0.1; expected a finite number above 0"),
    (lambda: hg.AdamW(weight_decay=-1), ValueError, "AdamW.weight_decay is -1; expected ... at least 0"),
    (lambda: hg.RMSprop(rho=np.nan), ValueError, "RMSprop.rho is nan; expected a finite number"),
    (lambda: find_optimizer("adm"), ValueError, "unknown optimizer 'adm'; did you mean 'adam'?"),
    (lambda: find_optimizer(0.1), TypeError, "optimizer is 0.1; expected a name such as 'adam' or a record"),
    (lambda: schedules.find("cosin"), ValueError, "unknown schedule 'cosin'; did you mean 'cosine'?"),
    (lambda: schedules.find(0.9), TypeError, "schedule is 0.9; expected a name"),
    (lambda: find_metric("acuracy"), ValueError, "unknown metric 'acuracy'; did you mean 'accuracy'?"),
    (lambda: balanced_accuracy(np.eye(3), np.eye(3)), ValueError, "balanced_accuracy: y has shape (3, 3); expected"),
    (lambda: hg.EarlyStopping(patience=0), ValueError, "EarlyStopping.patience is 0; expected"),
    (lambda: hg.EarlyStopping(min_delta=-1), ValueError, "EarlyStopping.min_delta is -1; expected"),
]

ASKING = [  # of a single network
    (
        lambda net: net.loss(np.ones((8, 3)), Y),
        ValueError,
        "X has 3 columns ... expects 2 (layer dense1, fan_in=2); did you pass the target column too?",
    ),
    (lambda net: net.forward(np.ones((8, 5))), ValueError, "X has 5 columns but the network expects 2 (layer dense1"),
    (lambda net: net.predict(X[0]), ValueError, "X has shape (2,); expected (B, D): ... for one row write X[None, :]"),
    (lambda net: net.predict(X[None]), ValueError, "X has shape (1, 8, 2); expected (B, D)"),
    (lambda net: net.predict(np.empty((0, 2))), ValueError, "X is empty; expected at least one row"),
    (lambda net: net.predict([[1, 2], [3]]), ValueError, "X is ragged"),
    (lambda net: net.predict(X.astype(object)), TypeError, "X holds object, not numbers"),
    (lambda net: net.predict(X.astype(str)), TypeError, "X holds <U32, not numbers; encode text columns first"),
    (lambda net: net.predict(X + 1j), TypeError, "X holds complex128, not numbers"),
    (
        lambda net: net.gradient(spoiled(np.nan, (3, 1)), Y),
        ValueError,
        "X has nan at row 3, column 1 (1 value is not finite)",
    ),
    (lambda net: net.gradient(spoiled(-np.inf, (5, 0)), Y), ValueError, "X has -inf at row 5, column 0"),
    (lambda net: net.gradient(X, Y[:5]), ValueError, "y has 5 rows but X has 8; each row of X needs one target"),
    (
        lambda net: net.gradient(X, np.ones((8, 3))),
        ValueError,
        "y has shape (8, 3) ... 2 outputs; expected class indices (8,)",
    ),
    (
        lambda net: net.gradient(X, Y + 1),
        ValueError,
        "y has labels from 1 to 2 but the network has 2 outputs; expected ... 0 to 1",
    ),
    (lambda net: net.gradient(X, Y - 1), ValueError, "y has labels from -1 to 0"),
    (lambda net: net.gradient(X, Y + 0.5), ValueError, "y has fractions; expected whole class indices"),
    (lambda net: net.gradient(X, spoiled(np.nan, 2, Y)), ValueError, "y has nan at row 2"),
    (lambda net: net.gradient(X, np.full((8, 2), 0.7)), ValueError, "y has rows that are not probabilities"),
    (lambda net: net.gradient(X, np.array(["a", "b"] * 4)), TypeError, "y holds <U1, not numbers"),
    (lambda net: net.loss(X, Y, sample_weight=np.ones(7)), ValueError, "sample_weight has shape (7,); expected (8,)"),
    (lambda net: net.loss(X, Y, sample_weight=-np.ones(8)), ValueError, "sample_weight must be at least 0 everywhere"),
    (lambda net: net.loss(X, Y, sample_weight=np.zeros(8)), ValueError, "sample_weight must be ... above 0 somewhere"),
    (lambda net: net.loss(X, Y, sample_weight=np.full(8, np.nan)), ValueError, "sample_weight has nan at row 0"),
    (lambda net: net["dens1.W"], ValueError, "unknown parameter 'dens1.W'; did you mean 'dense1.W'?"),
    (lambda net: net[0], TypeError, "a single network has no members"),
    (lambda net: net.stacked(np.ones((3, 4))), ValueError, "params has shape (3, 4); expected (S, 22)"),
    (lambda net: setattr(net, "params", np.ones(3)), ValueError, "params has shape (3,); expected (22,)"),
    (lambda net: setattr(net, "params", np.full(22, np.inf)), ValueError, "params has inf at row 0"),
    (lambda net: hg.record(net, X, Y[:3]), ValueError, "y has 3 rows but X has 8"),
]

TRAINING = [  # a single network; "before the first step" is what the parameters show
    (lambda net: hg.train("net", X, Y), TypeError, "net is 'net'; expected a Network"),
    (lambda net: train(net, X=np.ones((8, 3))), ValueError, "X has 3 columns"),
    (
        lambda net: train(net, y=np.zeros(8, int)),
        ValueError,
        "y has one class only; a classifier needs ... two classes",
    ),
    (lambda net: train(net, epochs=0), ValueError, "epochs is 0; expected a whole number of at least 1"),
    (lambda net: train(net, epochs=1.5), TypeError, "epochs is 1.5; expected"),
    (lambda net: hg.Training(net, X, Y).run(epochs=-1), ValueError, "epochs is -1; expected"),
    (lambda net: train(net, batch_size=0), ValueError, "batch_size is 0; expected"),
    (lambda net: train(net, batch_size=-8), ValueError, "batch_size is -8; expected"),
    (lambda net: train(net, optimizer="sgdd"), ValueError, "unknown optimizer 'sgdd'; did you mean 'sgd'?"),
    (
        lambda net: train(net, optimizer=hg.SGD([0.1, 0.2])),
        ValueError,
        "SGD.learning_rate has 2 values for a single network",
    ),
    (
        lambda net: train(net, optimizer="lbfgs", clip_norm=1.0),
        ValueError,
        "LBFGS sets its own steps; leave out clip_norm",
    ),
    (lambda net: train(net, schedule="expnential"), ValueError, "unknown schedule ... did you mean 'exponential'?"),
    (lambda net: train(net, clip_norm=0), ValueError, "clip_norm is 0; expected a finite number above 0"),
    (lambda net: train(net, seed=-1), ValueError, "seed is -1; expected a whole number of at least 0"),
    (lambda net: train(net, engine="nunpy"), ValueError, "unknown engine 'nunpy'; did you mean 'numpy'?"),
    (
        lambda net: train(net, metrics="accuracy"),
        TypeError,
        "metrics is 'accuracy'; expected a sequence such as ('accuracy',)",
    ),
    (lambda net: train(net, metrics=("acc",)), ValueError, "unknown metric 'acc'; ... Known: accuracy"),
    (lambda net: train(net, callbacks=[3]), TypeError, "callbacks holds 3; expected functions that take the Training"),
    (lambda net: train(net, stop=5), TypeError, "stop is 5; expected EarlyStopping(patience=...)"),
    (
        lambda net: train(net, stop=hg.EarlyStopping(monitor="validation_loss")),
        ValueError,
        "unknown EarlyStopping.monitor",
    ),
    (lambda net: train(net, validation=X), TypeError, "validation must be a pair (X, y)"),
    (lambda net: train(net, validation=(X, Y[:3])), ValueError, "validation: y has 3 rows but X has 8"),
    (
        lambda net: train(net, validation=(spoiled(np.nan, (0, 0)), Y)),
        ValueError,
        "validation: X has nan at row 0, column 0",
    ),
    (lambda net: train(net, frozen="dense1"), TypeError, "frozen is 'dense1'; expected a sequence such as"),
    (lambda net: train(net, frozen=("dense3",)), ValueError, "unknown frozen parameter 'dense3'; did you mean 'dense"),
    (lambda net: train(net, class_weight={5: 1.0}), ValueError, "class_weight names class 5; expected 0 to 1"),
    (lambda net: train(net, class_weight={0: -1.0}), ValueError, "class_weight[0] is -1.0; expected ... at least 0"),
    (lambda net: train(net, class_weight="equal"), TypeError, "class_weight is 'equal'; expected 'balanced' or a dict"),
    (lambda net: train(net, sample_weight=[1.0]), ValueError, "sample_weight has shape (1,); expected (8,)"),
]

REGRESSION = [  # one output, mean squared error
    (
        lambda net: train(net, metrics=("accuracy",)),
        ValueError,
        "metric 'accuracy' is for classes, but the loss mse is for regression",
    ),
    (lambda net: train(net, class_weight="balanced"), ValueError, "class_weight needs one class a row ... loss mse"),
    (
        lambda net: net.predict_proba(X),
        TypeError,
        "predict_proba: a network with loss mse has no probabilities; call predict",
    ),
    (
        lambda net: net.loss(X, np.ones((8, 2))),
        ValueError,
        "y has shape (8, 2) but the network has 1 outputs; expected (8, 1) or (8,)",
    ),
    (lambda net: net.loss(X, spoiled(np.inf, 4, Y)), ValueError, "y has inf at row 4, column 0"),
]

LABELS = [  # two outputs, sigmoid cross-entropy
    (
        lambda net: net.loss(X, np.full((8, 2), 2)),
        ValueError,
        "y has values from 2 to 2; sigmoid_cross_entropy expects labels from 0 to 1",
    ),
    (
        lambda net: train(net, y=np.eye(2)[Y], metrics=("balanced_accuracy",)),
        ValueError,
        "balanced_accuracy: y has shape (8, 2)",
    ),
]

STACK = [  # three networks
    (lambda net: net.loss(np.ones((2, 8, 2)), Y), ValueError, "X has data for 2 networks but the stack has 3"),
    (lambda net: net.loss(X, np.stack([Y, Y, Y])), ValueError, "y has 3 rows but X has 8"),
    (
        lambda net: net.loss(spoiled(np.nan, (1, 2, 0), np.stack([X] * 3)), Y),
        ValueError,
        "X has nan at network 1, row 2, column 0",
    ),
    (lambda net: net[3], IndexError, "network 3 of a stack of 3"),
    (lambda net: net.stacked(np.ones((2, 22))), TypeError, "stacked: expected a single network"),
    (
        lambda net: train(net, optimizer=hg.SGD([0.1, 0.2])),
        ValueError,
        "SGD.learning_rate has 2 values for 3 networks; give one each",
    ),
    (
        lambda net: train(net, optimizer=hg.Adam(0.1, beta1=[0.9] * 4)),
        ValueError,
        "Adam.beta1 has 4 values for 3 networks",
    ),
    (lambda net: train(net, optimizer="lbfgs"), ValueError, "LBFGS trains single networks"),
]

TABLE = [(lambda call=call: (make(), lambda net: call()), error, words) for call, error, words in BUILDING]
for calls, net_of in (
    (ASKING, make),
    (TRAINING, make),
    (REGRESSION, lambda: hg.Network.mlp([2, 4, 1], loss="mse")),
    (LABELS, lambda: make(loss="sigmoid_cross_entropy")),
    (STACK, lambda: make(seed=range(3))),
):
    TABLE += [(lambda call=call, net_of=net_of: (net_of(), call), error, words) for call, error, words in calls]


@pytest.mark.parametrize(("setup", "error", "words"), TABLE, ids=[words for *_, words in TABLE])
def test_a_wrong_call_is_refused_and_changes_nothing(setup, error, words):
    net, call = setup()
    params, state = net.params.copy(), net.state.copy()
    with pytest.raises(error) as raised:
        call(net)
    message, place = str(raised.value), 0
    for part in words.split(" ... "):
        place = message.find(part, place)
        assert place >= 0, message
    np.testing.assert_array_equal(net.params, params)
    np.testing.assert_array_equal(net.state, state)
