"""Metrics are scikit-learn's, for any data; stacked predictions are judged one by one."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn

from handgrad import metrics
from handgrad.metrics import find_metric

NAMES = list(metrics._BY_NAME)
unhurried = settings(deadline=None)
shapes = st.one_of(st.tuples(st.integers(2, 12)), st.tuples(st.integers(2, 12), st.integers(1, 3)))
eighths = st.integers(-80, 80).map(lambda i: i / 8)  # few values, so that constant columns and exact matches come up
numbers = st.one_of(eighths, st.floats(-1e6, 1e6))
classes = shapes.flatmap(lambda shape: st.tuples(*[arrays(np.int64, shape[:1], elements=st.integers(0, 3))] * 2))
labels = shapes.flatmap(lambda shape: st.tuples(*[arrays(np.int64, shape, elements=st.integers(0, 1))] * 2))
values = shapes.flatmap(lambda shape: st.tuples(*[arrays(np.float64, shape, elements=numbers)] * 2))
few_values = shapes.flatmap(lambda shape: st.tuples(*[arrays(np.float64, shape, elements=eighths)] * 2))


def call_sklearn(function, *arguments, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of classes that are missing, which is what we want to try
        return function(*arguments, **settings)


@unhurried
@given(st.one_of(classes, labels))
def test_accuracy_of_classes_and_of_whole_rows_of_labels(pair):
    assert metrics.accuracy(*pair) == pytest.approx(call_sklearn(sklearn.accuracy_score, *pair))


@unhurried
@given(classes)
def test_balanced_accuracy(pair):
    expected = call_sklearn(sklearn.balanced_accuracy_score, *pair)
    assert metrics.balanced_accuracy(*pair) == pytest.approx(expected)
    column = [each[:, None] for each in pair]  # one label a row, as networks with a sigmoid have it
    assert metrics.balanced_accuracy(*column) == pytest.approx(expected)


@unhurried
@given(st.integers(2, 4), st.integers(1, 12), st.integers(0, 2**32 - 1), st.sampled_from([0.01, 1.0]))
def test_log_loss_of_classes_and_of_labels(C, B, seed, concentration):
    random = np.random.default_rng(seed)
    y, P = random.integers(0, C, B), random.dirichlet(np.full(C, concentration), B)
    expected = call_sklearn(sklearn.log_loss, y, P, labels=range(C))
    assert metrics.log_loss(y, P) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    label, p = (y > 0).astype(float), P[:, 0]
    expected = call_sklearn(sklearn.log_loss, label, p, labels=[0, 1])
    assert metrics.log_loss(label[:, None], p[:, None]) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@unhurried
@given(st.integers(2, 4), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_log_loss_of_one_hot_rows_and_of_one_column_is_that_of_the_classes(C, B, seed):
    random = np.random.default_rng(seed)
    y, P = random.integers(0, C, B), random.dirichlet(np.ones(C), B)
    expected = call_sklearn(sklearn.log_loss, y, P, labels=range(C))
    assert metrics.log_loss(np.eye(C, dtype=int)[y], P) == pytest.approx(expected, rel=1e-12)
    label, p = y > 0, P[:, :1]
    assert metrics.log_loss(label, p) == metrics.log_loss(label[:, None], p)
    both = np.hstack([1 - p, p])
    assert metrics.log_loss(label, p) == pytest.approx(metrics.log_loss(label.astype(int), both), rel=1e-9)


def test_log_loss_of_the_one_hot_rows_of_the_documentation_of_scikit_learn():
    P = np.array([[0.7, 0.2, 0.1], [0.2, 0.2, 0.6]])
    assert metrics.log_loss(np.eye(3)[[0, 2]], P) == pytest.approx(-np.log([0.7, 0.6]).mean())


UNSUITED = [
    (
        metrics.log_loss,
        [-1, 0],
        [[0.5, 0.5]] * 2,
        r"y has values from -1 to 0; expected whole class indices from 0 to 1",
    ),
    (metrics.log_loss, [0, 2], [[0.5, 0.5]] * 2, "y has values from 0 to 2; expected whole class indices from 0 to 1"),
    (metrics.log_loss, [0, 0.5], [[0.5, 0.5]] * 2, "expected whole class indices"),
    (metrics.log_loss, [0, 1], [[1.5, -0.5]] * 2, "probabilities has values from -0.5 to 1.5; expected probabilities"),
    (metrics.log_loss, [0, 1], [[0.5, 0.1]] * 2, "probabilities has rows that do not sum to 1"),
    (metrics.log_loss, [0], [[0.5, 0.5]] * 3, r"probabilities has shape \(3, 2\) but y \(1,\)"),
    (metrics.log_loss, [0, 1], [0.5, 0.5], r"probabilities has shape \(2,\) but y \(2,\)"),
    (metrics.log_loss, [[0, 1]], [[[0.5]]] * 2, r"probabilities has shape \(2, 1, 1\) but y \(1, 2\)"),
    (
        metrics.log_loss,
        [[1, 1]],
        [[0.5, 0.5]],
        "y has rows that do not sum to 1; expected the probabilities of 2 classes",
    ),
    (metrics.log_loss, [[2]], [[0.5]], "y has values from 2 to 2; expected probabilities from 0 to 1"),
    (metrics.accuracy, [[0.3]], [[0]], "y has fractions; expected classes, or labels 0 or 1, not probabilities"),
    (metrics.accuracy, [1], [0.7], "predicted has fractions"),
    (metrics.balanced_accuracy, [0.5], [1], "y has fractions"),
    *((find_metric(name).function, [], [], r"y has shape \(0,\); expected targets") for name in NAMES),
    *((find_metric(name).function, 1, 1, r"y has shape \(\); expected targets") for name in NAMES),
]


@pytest.mark.parametrize(("metric", "y", "predicted", "message"), UNSUITED)
def test_what_a_metric_cannot_judge_is_refused(metric, y, predicted, message):
    with pytest.raises(ValueError, match=message):
        metric(y, predicted)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool])
def test_small_integers_do_not_wrap(dtype):
    y, predicted = np.array([0, 1], dtype), np.array([1, 0], dtype)
    assert metrics.mean_absolute_error(y, predicted) == metrics.mean_squared_error(y, predicted) == 1
    assert metrics.r2(y, predicted) == -3


def test_lists_will_do_and_text_will_not():
    assert metrics.mean_absolute_error([0, 2], [[1, 2], [0, 0]]).tolist() == [0.5, 1]
    assert metrics.log_loss([0], [[1, 0]]) == pytest.approx(0, abs=1e-15)
    with pytest.raises(TypeError, match="y holds <U3, not numbers"):
        metrics.accuracy(["cat"], ["cat"])


@pytest.mark.parametrize("name", ["log_loss", "mean_squared_error", "mean_absolute_error"])
def test_predictions_of_a_diverged_network_give_nan_and_no_error(name):
    predicted = np.array([[[0.5, 0.5]], [[np.nan, np.nan]]])
    assert np.isnan(find_metric(name).function([[0, 1]], predicted)).tolist() == [False, True]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_loss_of_certain_mistakes_is_finite(dtype):
    P = np.array([[1, 0], [1, 0]], dtype)
    expected = call_sklearn(sklearn.log_loss, [0, 1], P)  # half of -log ε: one row is right
    assert metrics.log_loss(np.array([0, 1]), P) == pytest.approx(expected, rel=1e-6)
    assert metrics.log_loss(np.array([[0], [1]]), P[:, :1]) == pytest.approx(expected, rel=1e-6)


@unhurried
@given(values)
def test_mean_errors(pair):
    assert metrics.mean_squared_error(*pair) == pytest.approx(sklearn.mean_squared_error(*pair), rel=1e-12)
    assert metrics.mean_absolute_error(*pair) == pytest.approx(sklearn.mean_absolute_error(*pair), rel=1e-12)


@unhurried
@given(few_values)
def test_r2_with_constant_targets_and_several_outputs(pair):
    assert metrics.r2(*pair) == pytest.approx(sklearn.r2_score(*pair), rel=1e-12, abs=1e-12)


def test_r2_of_a_constant_whose_mean_is_off_by_rounding():
    y = np.full(3, 0.1)
    assert y.mean() != 0.1
    assert metrics.r2(y, y) == 1
    assert metrics.r2(y, y + 1) == 0


STACKED = [(name, shape) for name in NAMES for shape in [(20,), (20, 1), (20, 3)]]
for name in ("balanced_accuracy", "log_loss"):
    STACKED.remove((name, (20, 3)))  # is not defined for several labels a row


@pytest.mark.parametrize(("name", "shape"), STACKED)
def test_stacked_predictions_are_judged_one_by_one(name, shape):
    metric, random = find_metric(name), np.random.default_rng(0)
    y = random.integers(0, 2, shape)
    if name == "log_loss":
        predicted = random.dirichlet([1, 1], (5, 20)) if len(shape) == 1 else random.random((5, *shape))
    else:
        predicted = random.integers(0, 2, (5, *shape))
    together = metric.function(y, predicted)
    assert together.shape == (5,)
    np.testing.assert_allclose(together, [metric.function(y, each) for each in predicted], rtol=1e-12)
    assert np.ndim(metric.function(y, predicted[0])) == 0


def test_log_loss_has_the_same_bits_alone_and_in_a_stack():
    random = np.random.default_rng(0)
    y, P = random.integers(0, 3, 60), random.dirichlet(np.ones(3), (50, 60))
    np.testing.assert_array_equal(metrics.log_loss(y, P), [metrics.log_loss(y, each) for each in P])


@pytest.mark.parametrize("name", [name for name in NAMES if name != "log_loss"])
def test_what_would_broadcast_is_refused(name):
    with pytest.raises(ValueError, match=r"predicted has shape \(4, 1\) but y \(4,\)"):
        find_metric(name).function(np.arange(4), np.zeros((4, 1)))


@pytest.mark.parametrize("name", NAMES)
def test_better_predictions_score_better_in_the_direction_that_the_record_tells(name):
    metric, y = find_metric(name), np.array([0, 1, 1, 0])
    if metric.needs == "predict_proba":
        good, bad = np.eye(2)[y] * 0.8 + 0.1, np.eye(2)[1 - y] * 0.8 + 0.1
    else:
        good, bad = y, 1 - y
    assert (metric.function(y, good) > metric.function(y, bad)) == metric.higher_is_better


def test_a_metric_is_for_classes_or_for_values():
    assert all(metric.for_classes != metric.for_values for metric in map(find_metric, NAMES))
    assert find_metric("r2").for_values


def test_metrics_have_names():
    assert find_metric("r2") is find_metric(find_metric("r2"))
    with pytest.raises(ValueError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        find_metric("acuracy")
    with pytest.raises(ValueError, match="balanced_accuracy: y has shape"):
        metrics.balanced_accuracy(np.zeros((4, 2)), np.zeros((4, 2)))
