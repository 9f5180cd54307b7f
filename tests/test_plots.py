"""What was drawn is what was computed, and can be read: without colour, on a light page and on a dark one."""

import itertools
import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from scipy.stats import ttest_1samp
from sklearn.metrics import confusion_matrix

import handgrad as hg
from handgrad import plots
from handgrad.plots import theme

mpl.use("agg")
import matplotlib.pyplot as plt  # after the choice of a canvas that needs no display

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(params=[False, True], ids=["light", "dark"])
def page(request):
    with plots.style(dark=request.param):
        yield "#0d1117" if request.param else "#ffffff"


class Probabilities:
    """A classifier that is only the formula for its probabilities."""

    def __init__(self, formula):
        self.predict_proba = formula


def softmax_net():
    return hg.Network.mlp([2, 8, 3], loss="softmax_cross_entropy", bias_init="normal", seed=1)


def sigmoid_net():
    return hg.Network.mlp([2, 8, 1], loss="sigmoid_cross_entropy", bias_init="normal", seed=1)


# --- curves -------------------------------------------------------------------------------------------------------


def test_curves_draw_the_mean_and_its_t_interval_over_the_networks_left():
    losses = RNG.lognormal(size=(12, 8))
    losses[7:, 0] = losses[5:, 3] = np.nan
    ax = plots.curves({"he": losses})

    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 13))
    np.testing.assert_allclose(line.get_ydata(), np.nanmean(losses, axis=1))
    interval = [ttest_1samp(row[~np.isnan(row)], 0).confidence_interval(0.95) for row in losses]
    outline = ax.collections[0].get_paths()[0].vertices
    for epoch, (low, high) in enumerate(interval, start=1):
        drawn = outline[outline[:, 0] == epoch, 1]
        np.testing.assert_allclose([drawn.min(), drawn.max()], [low, high])
    assert ax.get_legend().get_texts()[0].get_text() == "he\n(8 seeds, 6 to the end)"


def test_curves_end_where_no_network_is_left_and_have_no_band_around_one():
    losses = np.array([[3.0, 1.0], [2.0, np.nan], [np.nan, np.nan]])
    ax = plots.curves({"he": losses})
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2.0, 2.0, np.nan])
    assert set(ax.collections[0].get_paths()[0].vertices[:, 0]) == {1.0}


def test_a_curve_of_one_network_is_itself_without_a_band():
    ax = plots.curves({"he": [3.0, 2.0, 1.0]}, ylabel="error", log=True)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3.0, 2.0, 1.0])
    assert not ax.collections
    assert (ax.get_ylabel(), ax.get_yscale(), ax.get_xlabel()) == ("error", "log", "epoch")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["he"]


def test_a_single_epoch_shows():
    assert plots.curves({"he": [1.0]}).lines[0].get_marker() == "o"
    assert not plots.curves({"he": [1.0, 2.0]}).lines[0].get_marker()


@pytest.mark.parametrize(
    ("curves", "error", "message"),
    [
        ({}, ValueError, "curves is empty"),
        ({"he": np.zeros((2, 3, 4))}, ValueError, r"curves\['he'\] has shape \(2, 3, 4\)"),
        ({"he": []}, ValueError, "not empty"),
        ({"he": ["a"]}, TypeError, r"curves\['he'\] holds <U1"),
    ],
)
def test_curves_refuse(curves, error, message):
    with pytest.raises(error, match=message):
        plots.curves(curves)
    assert not plt.get_fignums()


# --- history ------------------------------------------------------------------------------------------------------


class Recorded:
    """A history of these columns."""

    def __init__(self, **columns):
        self.table = pd.DataFrame(columns, index=pd.RangeIndex(1, 3, name="epoch"))

    def to_pandas(self):
        return self.table


def lines_by_label(ax):
    return {line.get_label(): list(line.get_ydata()) for line in ax.lines}


def test_history_draws_the_loss_the_shares_and_the_other_metrics_apart():
    loss = {"loss": [2.0, 1.0], "learning_rate": [0.1, 0.1], "validation_loss": [3.0, 2.0]}
    metrics = {
        "accuracy": [0.5, 0.6],
        "validation_accuracy": [0.4, np.nan],
        "r2": [-1.0, 0.5],
        "f1": [0.0, 1.0],
        "log_loss": [1.2, 0.9],
    }
    axes = plots.history(Recorded(**loss, **metrics))
    assert [ax.get_ylabel() for ax in axes] == ["loss", "metrics", "r2", "log loss"]
    assert lines_by_label(axes[0]) == {"loss": [2.0, 1.0], "validation loss": [3.0, 2.0]}
    assert list(lines_by_label(axes[1])) == ["accuracy", "validation accuracy", "f1"]
    assert lines_by_label(axes[2]) == {"r2": [-1.0, 0.5]}
    assert list(axes[0].lines[0].get_xdata()) == [1, 2]


def test_history_of_training_itself():
    net = softmax_net()
    y = net.predict(X)
    history = hg.train(net, X, y, epochs=3, optimizer=hg.SGD(0.1), validation=(X, y), metrics=("accuracy",))
    axes = plots.history(history)
    assert [ax.get_ylabel() for ax in axes] == ["loss", "accuracy"]
    np.testing.assert_array_equal(axes[0].lines[0].get_ydata(), history.loss)
    np.testing.assert_array_equal(axes[1].lines[1].get_ydata(), history.validation_accuracy)


def test_history_uses_the_axes_it_is_given():
    _, ax = plt.subplots()
    assert plots.history(Recorded(loss=[2.0, 1.0]), ax=ax)[0] is ax
    with pytest.raises(ValueError, match=r"ax holds 1 axes but this history needs 2"):
        plots.history(Recorded(loss=[2.0, 1.0], accuracy=[0.5, 0.6]), ax=ax)


def test_history_refuses_a_stack_and_nothing():
    stack = Recorded(loss=[1.0, 2.0])
    stack.table.index = pd.MultiIndex.from_product([[1], [0, 1]], names=["epoch", "network"])
    with pytest.raises(ValueError, match=r"several networks; draw them with plots\.curves"):
        plots.history(stack)
    with pytest.raises(ValueError, match="history is empty"):
        plots.history(Recorded())


# --- decision boundaries ------------------------------------------------------------------------------------------


def pixels(ax):
    """The points (R, R, 2) in the middle of the image's pixels, and the image (R, R, 4)."""
    (image,) = ax.images
    assert image.origin == "lower"
    shaded = np.asarray(image.get_array())
    left, right, bottom, top = image.get_extent()
    middle = (np.arange(len(shaded)) + 0.5) / len(shaded)
    return np.stack(np.meshgrid(left + middle * (right - left), bottom + middle * (top - bottom)), axis=-1), shaded


def drawn_classes(shaded, C):
    colours = np.array([to_rgb(theme.colour(c)) for c in range(C)])
    distance = np.abs(shaded[:, :, None, :3] - colours).max(axis=-1)
    assert distance.min(axis=-1).max() < 1e-6
    return distance.argmin(axis=-1)


@pytest.mark.parametrize("make", [softmax_net, sigmoid_net])
def test_regions_are_what_the_network_predicts_and_opacity_is_its_confidence(make, page):
    net = make()
    y = net.predict(X).ravel().astype(int)
    points, shaded = pixels(plots.decision_boundary(net, X, y, resolution=60))
    flat = points.reshape(-1, 2)
    predicted = net.predict(flat).reshape(60, 60)
    assert len(np.unique(predicted)) == (2 if make is sigmoid_net else 3)
    np.testing.assert_array_equal(drawn_classes(shaded, 3), predicted)

    p = net.predict_proba(flat)
    confidence = np.maximum(p, 1 - p) if p.shape[1] == 1 else p.max(axis=1, keepdims=True)
    slope, _ = np.polyfit(confidence.ravel(), shaded[..., 3].ravel(), 1)
    assert slope > 0
    assert np.corrcoef(confidence.ravel(), shaded[..., 3].ravel())[0, 1] > 1 - 1e-9


def contour_points(ax):
    contours = [each for each in ax.collections if not each.get_label().startswith("class")]
    return np.concatenate([path.vertices for each in contours for path in each.get_paths()])


def test_lines_run_along_every_border_and_where_two_classes_tie():
    net = softmax_net()
    ax = plots.decision_boundary(net, X, net.predict(X))
    drawn = contour_points(ax)
    top = np.sort(net.predict_proba(drawn), axis=1)
    assert np.max(top[:, -1] - top[:, -2]) < 0.02

    points, shaded = pixels(ax)
    classes = drawn_classes(shaded, 3)
    border = points[:, :-1][classes[:, :-1] != classes[:, 1:]]
    nearest = np.abs(border[:, None] - drawn).max(axis=-1).min(axis=1)
    assert nearest.max() < 2 * np.diff(points[0, :2, 0])[0]


@pytest.mark.parametrize("p", [0.5, 1.0])
def test_a_network_that_says_the_same_everywhere_has_no_line(p):
    ax = plots.decision_boundary(Probabilities(lambda X: np.full((len(X), 1), p)), X, np.zeros(60, int))
    assert [each.get_label() for each in ax.collections] == ["class 0"]


def test_where_a_dead_network_ties_the_line_is_the_edge_of_the_tie():
    ax = plots.decision_boundary(Probabilities(lambda X: 0.5 + 0.4 * (X[:, :1] > 0.3)), X, np.zeros(60, int))
    edge = contour_points(ax)
    np.testing.assert_allclose(edge[:, 0], 0.3, atol=0.05)
    np.testing.assert_allclose([edge[:, 1].min(), edge[:, 1].max()], ax.get_ylim())


def test_points_are_drawn_by_class_each_with_its_own_marker(page):
    y = np.arange(60) % 3
    ax = plots.decision_boundary(softmax_net(), X, y[:, None], title="three")
    drawn = {each.get_label(): each for each in ax.collections if each.get_label().startswith("class")}
    assert list(drawn) == ["class 0", "class 1", "class 2"]
    for c, each in enumerate(drawn.values()):
        np.testing.assert_array_equal(each.get_offsets(), X[y == c])
    shapes = {each.get_paths()[0].vertices.tobytes() for each in drawn.values()}
    assert len(shapes) == 3
    assert ax.get_title() == "three"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(drawn)


def test_boundaries_share_their_limits_and_keep_their_order():
    nets = {f"net {seed}": hg.Network.mlp([2, 4, 2], seed=seed) for seed in range(4)}
    y = np.arange(60) % 2
    axes = plots.decision_boundaries(nets, X, y, columns=3)
    figure = axes[0].figure
    assert [ax.get_title() for ax in axes] == list(nets)
    assert len(figure.axes) == 4
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes}) == 1
    for ax, net in zip(axes, nets.values(), strict=True):
        points, shaded = pixels(ax)
        np.testing.assert_array_equal(drawn_classes(shaded, 2).ravel(), net.predict(points.reshape(-1, 2)))
    assert [ax.get_xlabel() != "" for ax in axes] == [False, True, True, True]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["class 0", "class 1"]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((4, 3)), [0, 1, 0, 1], r"X has shape \(4, 3\).*two columns"),
        (np.zeros(4), [0, 1, 0, 1], "two columns"),
        (np.full((2, 2), np.nan), [0, 1], "X has nan at row 0"),
        (np.zeros((4, 2)), [0, 1, 0], "y has 3 rows but X has 4"),
        (np.zeros((2, 2)), [0, 3], "y holds class 3 but the network knows 3 classes"),
        (np.zeros((2, 2)), [0, -1], "y holds values that are no class indices"),
        (np.zeros((2, 2)), [0, 0.5], "y holds values that are no class indices"),
        (np.zeros((2, 2)), np.eye(2), r"y has shape \(2, 2\); expected class indices"),
    ],
)
def test_boundaries_refuse(X, y, message):
    with pytest.raises(ValueError, match=message):
        plots.decision_boundary(softmax_net(), X, y)
    with pytest.raises(ValueError, match=message):
        plots.decision_boundaries({"net": softmax_net()}, X, y)
    assert not plt.get_fignums()


def test_a_stack_is_no_boundary():
    with pytest.raises(ValueError, match=r"net is a stack of 5 networks; draw one of them, such as net\[0\]"):
        plots.decision_boundary(hg.Network.mlp([2, 4, 2], seed=range(5)), X, np.zeros(60, int))


# --- confusion matrix ---------------------------------------------------------------------------------------------


def contrast(a, b):
    low, high = sorted([theme.luminance(a), theme.luminance(b)])
    return (high + 0.05) / (low + 0.05)


def test_confusion_matrix_counts_as_scikit_learn_does_and_can_be_read(page):
    y = RNG.integers(0, 4, 300)
    predicted = np.where(RNG.random(300) < 0.5, y, RNG.integers(0, 4, 300))
    names = ["ant", "bee", "cicada", "damselfly", "none of them"]
    ax = plots.confusion_matrix(y, predicted, names)
    counts = confusion_matrix(y, predicted, labels=range(5))
    cells = {text.get_position(): text for text in ax.texts}
    shares = np.asarray(ax.images[0].get_array())
    for (i, j), count in np.ndenumerate(counts):
        assert cells[j, i].get_text() == str(count)
        assert shares[i, j] == (count / counts[i].sum() if i < 4 else 0)
        background = ax.images[0].cmap(shares[i, j])
        assert contrast(cells[j, i].get_color(), background[:3]) >= 4.5
    assert [label.get_text() for label in ax.get_yticklabels()] == names
    assert [label.get_text() for label in ax.get_xticklabels()] == names
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("true", "predicted")


def test_confusion_matrix_without_names_reaches_the_highest_class():
    ax = plots.confusion_matrix([0, 1], [[0], [2]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("y", "predicted", "message"),
    [
        ([0, 1, 1], [0, 1], "predicted has 2 rows but y has 3"),
        ([0, 2], [0, 1], r"y holds class 2 but class_names names 2 \(0 to 1\)"),
        ([0, 1], [0, 2], "predicted holds class 2"),
        ([], [], "y has shape"),
    ],
)
def test_confusion_matrix_refuses(y, predicted, message):
    with pytest.raises(ValueError, match=message):
        plots.confusion_matrix(y, predicted, ["a", "b"])
    assert not plt.get_fignums()


# --- distributions ------------------------------------------------------------------------------------------------


def test_histograms_draw_each_layer_without_its_zeros_and_note_them():
    layers = {"relu1": np.maximum(RNG.normal(size=(50, 4)), 0), "dense2": RNG.normal(size=(3, 7)), "off": np.zeros(4)}
    ax = plots.histograms(layers, xlabel="activation")
    filled = [patch.get_data() for patch in ax.patches[::2]]  # from the lowest row up
    assert [label.get_text() for label in ax.get_yticklabels()] == ["off", "dense2", "relu1"]
    for row, (layer, drawn) in enumerate(zip(reversed(layers), filled, strict=True)):
        values = layers[layer]
        counts, _ = np.histogram(values[values != 0], drawn.edges)
        assert counts.sum() == np.count_nonzero(values)
        np.testing.assert_allclose((drawn.values - row) * counts.max(), 0.85 * counts)
        assert drawn.baseline == row
        assert ax.texts[row].get_text() == f"sd {values.std():.2g}, {100 * np.mean(values == 0):.0f} % zeros"
    assert ax.texts[0].get_text() == "sd 0, 100 % zeros"
    assert ax.get_xlabel() == "activation"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "values is empty"),
        ({"relu1": np.zeros((0, 3))}, r"values\['relu1'\] is empty"),
        ({"relu1": np.array([[0.0, np.inf]])}, r"values\['relu1'\] has inf at row 0, column 1"),
    ],
)
def test_histograms_refuse(values, message):
    with pytest.raises(ValueError, match=message):
        plots.histograms(values, xlabel="activation")
    assert not plt.get_fignums()


def test_intervals_are_drawn_from_low_to_high_the_first_on_top():
    table = [("he", 0.9, 0.8, 0.95), ("glorot", 0.5, 0.4, 0.7)]
    ax = plots.intervals(table, xlabel="accuracy")
    ((dots, caps, (bars,)),) = ax.containers
    np.testing.assert_allclose(dots.get_xdata(), [0.9, 0.5])
    np.testing.assert_allclose([bar[:, 0] for bar in bars.get_segments()], [[0.8, 0.95], [0.4, 0.7]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["he", "glorot"]
    assert ax.yaxis_inverted()
    assert len(caps) == 2
    assert ax.get_xlabel() == "accuracy (mean and 95 % interval)"


@pytest.mark.parametrize("row", [(0.5, 0.6, 0.7), (0.8, 0.6, 0.7), (np.nan, 0.6, 0.7)])
def test_intervals_refuse_a_mean_outside(row):
    with pytest.raises(ValueError, match="table row 'he' is mean"):
        plots.intervals([("he", *row)], xlabel="accuracy")
    with pytest.raises(ValueError, match="table is empty"):
        plots.intervals([], xlabel="accuracy")
    assert not plt.get_fignums()


# --- gradient errors ----------------------------------------------------------------------------------------------


class Checked:
    """A gradient report of these arrays by parameter, with the verdict on each."""

    def __init__(self, tolerance=1e-7, **parameters):
        self.tolerance = tolerance
        self.analytic = {name: np.asarray(each[0], float) for name, each in parameters.items()}
        self.numeric = {name: np.asarray(each[1], float) for name, each in parameters.items()}
        self.checks = [SimpleNamespace(name=name, verdict=each[2]) for name, each in parameters.items()]


def cells(ax):
    return ax.images[0].get_array()


def test_gradient_errors_are_powers_of_ten_of_the_typical_gradient():
    numeric = np.array([[3.0, -4.0], [0.0, 5.0]])
    analytic = numeric + np.array([[0.0, 1e-6], [0.1, -5.0]])
    (ax,) = plots.gradient_errors(Checked(W=(analytic, numeric, "WRONG")))
    typical = np.sqrt(np.mean(numeric**2))
    np.testing.assert_allclose(cells(ax)[0, 1], np.log10(1e-6 / typical), rtol=1e-6)
    np.testing.assert_allclose(cells(ax)[1], np.log10([0.1 / typical, 5 / typical]))
    assert cells(ax)[0, 0] < ax.images[0].norm.vmin
    assert ax.get_title() == "W: WRONG"


def test_the_hue_changes_at_the_tolerance():
    numeric, errors = np.ones(4), np.array([1e-5, 0.9e-4, 1.1e-4, 1])
    (ax,) = plots.gradient_errors(Checked(tolerance=1e-4, x=(numeric + errors, numeric, "WRONG")))
    red, _, blue, _ = ax.images[0].to_rgba(cells(ax))[0].T
    assert list(red > blue) == [False, False, True, True]


def test_each_parameter_has_a_panel_or_the_one_named():
    arrays = np.ones((2, 3, 4)), np.ones((2, 3, 4)), "ok"
    report = Checked(K=arrays, b=(np.ones(5), np.ones(5), "ok"), c=(2.0, 2.0, "ok"))
    assert [cells(ax).shape for ax in plots.gradient_errors(report)] == [(6, 4), (1, 5), (1, 1)]
    assert [ax.get_title() for ax in plots.gradient_errors(report, "b")] == ["b: ok"]
    with pytest.raises(ValueError, match="unknown parameter 'B'"):
        plots.gradient_errors(report, "B")
    with pytest.raises(ValueError, match="ax holds 1 axes but this report needs 3"):
        plots.gradient_errors(report, ax=mpl.figure.Figure().subplots())
    with pytest.raises(ValueError, match="measured no parameter"):
        plots.gradient_errors(Checked())


def test_what_was_not_measured_is_hatched_and_said():
    numeric = np.ones((2, 4))
    numeric[:, 2:] = np.nan
    (ax,) = plots.gradient_errors(Checked(W=(np.ones((2, 4)), numeric, "ok")))
    assert cells(ax).mask.any()
    assert ax.patch.get_hatch()
    assert ax.get_xlabel().startswith("4 of 8 measured, others hatched")


def test_a_large_parameter_of_which_little_was_measured_has_few_holes():
    numeric = np.full((784, 50), np.nan)
    numeric.flat[np.arange(0, numeric.size, 40) + np.random.default_rng(0).integers(0, 40, 980)] = 1
    (ax,) = plots.gradient_errors(Checked(W=(np.ones((784, 50)), numeric, "ok")))
    assert cells(ax).mask.mean() < 0.3
    assert cells(ax).size > 200
    assert ax.get_xlabel().startswith("980 of 39,200 measured")


def test_one_wrong_entry_of_a_large_parameter_shows():
    numeric = np.ones((300, 500))
    analytic = numeric.copy()
    analytic[150, 250] = 3
    (ax,) = plots.gradient_errors(Checked(W=(analytic, numeric, "WRONG")))
    assert cells(ax).size < 64 * 64 + 1
    assert (cells(ax) > -7).sum() == 1
    assert ax.get_xlabel() == "a cell: worst of 5×8"


def test_no_error_is_drawn_where_the_gradient_is_nothing_but_noise():
    report = Checked(b=(np.zeros(3), np.full(3, 1e-13), "zero"), c=(np.zeros(3), np.full(3, 1e-9), "below noise"))
    zero, noise = plots.gradient_errors(report)
    assert cells(zero).mask.all()
    assert cells(noise).mask.all()
    assert [ax.texts[0].get_text() for ax in (zero, noise)] == ["both are 0", "too small to measure"]


def test_gradient_errors_of_a_network():
    net = hg.Network.mlp([2, 4, 2], activation="tanh", seed=0)
    axes = plots.gradient_errors(hg.check_network(net, X[:6], np.arange(6) % 2))
    assert {ax.get_title() for ax in axes} == {f"{name}: ok" for name in (*net.parameter_names, "inputs")}
    assert max(cells(ax).max() for ax in axes) < -7


# --- signal propagation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [plots.length_by_depth, plots.correlation_by_depth])
def test_by_depth_draws_theory_as_lines_and_networks_as_points_with_intervals(draw):
    predicted = {"tanh": [0.9, 0.5, 0.4], "relu": [0.3, 0.3, 0.3]}
    measured = {"tanh": RNG.random((3, 6)), "relu": [0.2, 0.3, 0.4]}
    ax = draw(predicted, measured)
    lines = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
    for name, line in predicted.items():
        np.testing.assert_array_equal(lines[name].get_data(), [[1, 2, 3], line])
    points, stacked = list(ax.containers), measured["tanh"]
    np.testing.assert_allclose(points[0][0].get_ydata(), stacked.mean(axis=1))
    low_high = np.array([bar[:, 1] for bar in points[0][2][0].get_segments()])
    for row, ends in zip(stacked, low_high, strict=True):
        np.testing.assert_allclose(ends, ttest_1samp(row, 0).confidence_interval(0.95))
    np.testing.assert_array_equal(points[1][0].get_ydata(), measured["relu"])
    assert points[0][0].get_color() == lines["tanh"].get_color()
    assert "95 % interval" in ax.get_legend().get_title().get_text()


def test_lengths_of_many_sizes_have_a_logarithmic_axis():
    assert plots.length_by_depth({"a": [1.0, 1e3]}).get_yscale() == "log"
    assert plots.length_by_depth({"a": [1.0, 2.0]}).get_yscale() == "linear"
    assert plots.length_by_depth({"a": [0.0, 1e3]}).get_yscale() == "linear"


def test_the_phase_diagram_shows_chi_the_edge_and_where_there_is_no_fixed_point(page):
    chi = np.array([[0.2, 0.9, 4.0], [0.1, 0.5, np.nan]])
    ax = plots.phase_diagram([0.5, 1.0, 1.5], [0.0, 0.5], chi, critical=[1.0, np.nan])
    (shades,) = [each for each in ax.collections if each.get_array() is not None]
    np.testing.assert_allclose(np.exp(np.ma.filled(shades.get_array().reshape(2, 3), np.nan)), chi)
    red, _, blue, _ = shades.to_rgba(np.log([0.2, 4.0])).T
    assert list(blue > red) == [True, False]
    assert [text.get_text() for text in ax.texts] == ["order", "chaos"]
    line, dot = ax.lines
    np.testing.assert_array_equal(line.get_data(), [[1.0, np.nan], [0.0, 0.5]])
    np.testing.assert_array_equal(dot.get_data(), [[1.0], [0.0]])  # a line of one point would not show
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["$\\chi_1$ = 1", "no fixed point"]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.length_by_depth({}), "predicted is empty"),
        (lambda: plots.length_by_depth({"a": [[1.0]]}), r"predicted\['a'\] has shape \(1, 1\); expected \(layers,\)"),
        (lambda: plots.length_by_depth({"a": [np.nan]}), r"predicted\['a'\] has nan"),
        (lambda: plots.correlation_by_depth({"a": [1.0]}, {"b": [1.0]}), "measured has 'b', which predicted has not"),
        (lambda: plots.phase_diagram([1, 2], [0, 1], [[1.0, 2.0]]), r"chi has shape \(1, 2\); expected \(2, 2\)"),
        (lambda: plots.phase_diagram([2, 1], [0, 1], np.ones((2, 2))), "sigma_w has shape"),
        (lambda: plots.phase_diagram([1, 2], [0, 1], -np.ones((2, 2))), "chi holds -1"),
        (lambda: plots.phase_diagram([1, 2], [0, 1], np.ones((2, 2)), [1.0]), r"critical has shape \(1,\)"),
    ],
)
def test_signal_propagation_refuses(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
    assert not plt.get_fignums()


# --- the look -----------------------------------------------------------------------------------------------------


def every_plot():
    net = hg.Network.mlp([2, 4, 2], seed=0)
    y = np.arange(60) % 2
    yield plots.curves({"a": RNG.random((5, 4)), "b": RNG.random(5)})
    yield plots.history(Recorded(loss=[2.0, 1.0], validation_loss=[2.0, 1.0], accuracy=[0.5, 0.6]))[0]
    yield plots.decision_boundary(net, X, y)
    yield plots.decision_boundaries({"a": net, "b": net}, X, y)[0]
    yield plots.confusion_matrix(y, y[::-1], ["a long name", "another"])
    yield plots.histograms({"dense1": RNG.normal(size=9)}, xlabel="activation")
    yield plots.gradient_errors(Checked(W=(np.ones((9, 3)), np.ones((9, 3)), "ok"), b=(1.0, 1.0, "ok")))[0]
    yield plots.intervals([("a long label", 0.5, 0.4, 0.6)], xlabel="accuracy")
    yield plots.length_by_depth({"tanh": [3.0, 1.0, 0.01]}, {"tanh": RNG.random((3, 5))})
    yield plots.correlation_by_depth({"a long name of a line": [0.4, 0.5]}, {"a long name of a line": [0.4, 0.5]})
    yield plots.phase_diagram([0.5, 1.0, 1.5], [0.0, 0.1], [[0.2, 1, 3], [0.2, 0.9, np.nan]], [1.0, np.nan], title="t")


def test_nothing_is_clipped_and_the_page_shows_through(page):
    for ax in every_plot():
        figure = ax.figure
        figure.canvas.draw()
        needs, has = figure.get_tightbbox(), figure.bbox_inches
        assert needs.x0 >= -0.02
        assert needs.y0 >= -0.02
        assert needs.x1 <= has.x1 + 0.02
        assert needs.y1 <= has.y1 + 0.02
        assert np.asarray(figure.canvas.buffer_rgba())[0, 0, 3] == 0


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.curves({"a": [1.0, 2.0]}, ax=ax),
        lambda ax: plots.decision_boundary(hg.Network.mlp([2, 4, 2], seed=0), X, np.arange(60) % 2, ax=ax),
        lambda ax: plots.confusion_matrix([0, 1], [0, 1], ax=ax),
        lambda ax: plots.histograms({"dense1": [1.0, 2.0]}, ax=ax, xlabel="activation"),
        lambda ax: plots.intervals([("a", 0.5, 0.4, 0.6)], ax=ax, xlabel="accuracy"),
        lambda ax: plots.length_by_depth({"a": [1.0, 2.0]}, ax=ax),
        lambda ax: plots.correlation_by_depth({"a": [0.1, 0.2]}, ax=ax),
        lambda ax: plots.phase_diagram([1.0, 2.0], [0.0, 1.0], np.ones((2, 2)), ax=ax),
    ],
)
def test_axes_given_are_the_axes_drawn_on(draw):
    ax = mpl.figure.Figure().subplots()
    assert draw(ax) is ax
    assert ax.has_data()
    assert not plt.get_fignums()


def lightness(colour):
    Y = theme.luminance(colour)
    return 116 * np.cbrt(Y) - 16  # CIE L*, for Y > 0.009


def test_colours_show_on_the_page_and_neighbours_differ_in_grey(page):
    colours = [theme.colour(i) for i in range(7)]
    assert len(set(colours)) == 7
    assert min(contrast(each, page) for each in colours) > 2
    assert contrast(colours[0], page) > 4.5
    assert min(abs(lightness(a) - lightness(b)) for a, b in itertools.pairwise(colours)) > 6
    assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == pytest.approx(colours)


def test_no_two_lines_or_classes_look_alike_without_colour_beside_each_other():
    lines = [(theme.colour(i), str(theme.DASHES[i % len(theme.DASHES)])) for i in range(35)]
    classes = [(theme.colour(i), theme.marker(i)) for i in range(63)]
    assert len(set(lines)) == 35
    assert len(set(classes)) == 63
    assert len({theme.marker(i) for i in range(9)}) == 9


def test_style_gives_the_users_settings_back():
    before = dict(mpl.rcParams)
    with plots.style(dark=True):
        assert mpl.rcParams["text.color"] != before["text.color"]
    assert dict(mpl.rcParams) == before


def test_the_room_loads_without_matplotlib():
    code = "import sys, handgrad.plots; sys.exit(any(m in sys.modules for m in ('matplotlib', 'scipy', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
