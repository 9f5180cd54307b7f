"""What a classifier does: where it decides what in the plane, and what it takes for what."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from handgrad.arrays import Array, ArrayLike, require_finite, require_integer, require_numeric, require_rows
from handgrad.plots.theme import BLUE, colour, ink, marker, new_axes, page, text_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Classifier(Protocol):
    """What a boundary is drawn of: anything that gives probabilities (B, C), or (B, 1) of class 1."""

    def predict_proba(self, X: Array) -> Array:
        """The probabilities for X (B, 2)."""


def decision_boundary(
    net: Classifier,
    X: ArrayLike,
    y: ArrayLike,
    ax: "Axes | None" = None,
    *,
    title: str | None = None,
    resolution: int = 200,
) -> "Axes":
    """Regions of the predicted class, fuller where the network is surer, the boundary, and the points (B, 2) by class.

    The network is asked at resolution² points of the plane around X.

    Raises ValueError if X has other than two columns, y other than one class index a row, or one the network lacks,
    and if `net` is a stack.

    >>> from matplotlib.figure import Figure
    >>> class Halves:
    ...     def predict_proba(self, X):
    ...         return 1 / (1 + np.exp(-X[:, :1]))
    >>> ax = decision_boundary(Halves(), [[-1.0, 0.0], [1.0, 0.0]], [0, 1], ax=Figure().subplots())
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['class 0', 'class 1']
    """
    points, labels = _points(X, y)
    regions = _regions(net, points, labels, require_integer("resolution", resolution, at_least=2))
    ax = new_axes(ax, 5.0, 4.0)
    _draw_boundary(ax, points, labels, *regions, size=22)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ax.set(xlabel="$x_1$", ylabel="$x_2$", title=title)
    return ax


def decision_boundaries(nets: Mapping[str, Classifier], X: ArrayLike, y: ArrayLike, columns: int = 3) -> Array:
    """A grid of decision boundaries by name over the same points, with the same limits; the Axes, in order.

    Raises ValueError for no networks at all, and what `decision_boundary` raises.

    >>> decision_boundaries({}, [[0.0, 0.0]], [0])
    Traceback (most recent call last):
        ...
    ValueError: nets is empty; expected at least one name with a network
    """
    import matplotlib.pyplot as plt

    if not nets:
        raise ValueError("nets is empty; expected at least one name with a network")
    points, labels = _points(X, y)
    regions = {name: _regions(net, points, labels, 200) for name, net in nets.items()}
    columns = min(require_integer("columns", columns), len(nets))
    rows = -(-len(nets) // columns)
    size = (2.7 * columns + 1, 2.5 * rows)
    figure, grid = plt.subplots(
        rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for unused in grid.flat[len(nets) :]:
        unused.remove()
    axes: Array = grid.ravel()[: len(nets)]
    for i, (ax, name) in enumerate(zip(axes, nets, strict=True)):
        lowest, leftmost = i + columns >= len(nets), i % columns == 0
        _draw_boundary(ax, points, labels, *regions[name], size=12)
        ax.tick_params(labelbottom=lowest, labelleft=leftmost)
        ax.set(xlabel="$x_1$" if lowest else "", ylabel="$x_2$" if leftmost else "", title=name)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    return axes


def confusion_matrix(
    y: ArrayLike, predicted: ArrayLike, class_names: Sequence[str] | None = None, ax: "Axes | None" = None
) -> "Axes":
    """How many rows of each true class (down) were taken for each class (across); shade: the share of its row.

    `y` and `predicted` are class indices (B,) into `class_names`; without names, up to the highest index there is.

    Raises ValueError for lengths that differ and for a class outside `class_names`.

    >>> from matplotlib.figure import Figure
    >>> ax = confusion_matrix([0, 0, 1], [0, 1, 1], class_names=["cat", "dog"], ax=Figure().subplots())
    >>> [cell.get_text() for cell in ax.texts]
    ['1', '1', '0', '1']
    """
    from matplotlib.colors import LinearSegmentedColormap

    true = _class_indices("y", y)
    taken_for = require_rows("predicted", _class_indices("predicted", predicted), len(true), like="y")
    highest = int(max(true.max(), taken_for.max()))
    names = [str(c) for c in range(highest + 1)] if class_names is None else list(class_names)
    for argument, indices in (("y", true), ("predicted", taken_for)):
        _require_known(argument, indices, len(names), f"class_names names {len(names)}")
    C = len(names)
    counts = np.bincount(C * true + taken_for, minlength=C * C).reshape(C, C)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax = new_axes(ax, 1.6 + 0.5 * C, 1.2 + 0.5 * C)
    image = ax.imshow(shares, cmap=LinearSegmentedColormap.from_list("share", [page(), BLUE]), vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        ax.text(j, i, str(count), ha="center", va="center", color=text_on(image.to_rgba(shares)[i, j, :3]))
    long = max(map(len, names)) > 3
    ax.set_xticks(range(C), names, rotation=40 if long else 0, ha="right" if long else "center")
    ax.set_yticks(range(C), names)
    ax.grid(False)
    ax.set(xlabel="predicted", ylabel="true")
    return ax


def _points(X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    points = require_numeric("X", X)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"X has shape {points.shape}; a boundary is drawn in the plane and needs (B, 2): two columns")
    require_finite("X", points)
    return points, require_rows("y", _class_indices("y", y), len(points))


def _class_indices(argument: str, values: ArrayLike) -> Array:
    array = require_numeric(argument, values)
    if array.ndim == 2 and array.shape[1] == 1:  # a sigmoid network's targets and predictions
        array = array[:, 0]
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{argument} has shape {array.shape}; expected class indices (B,), one for each row")
    if not (np.all(array >= 0) and np.all(array % 1 == 0)):
        raise ValueError(f"{argument} holds values that are no class indices; expected whole numbers 0, 1, 2, ...")
    return array.astype(int)


def _require_known(argument: str, indices: Array, C: int, because: str) -> None:
    if indices.max() >= C:
        raise ValueError(f"{argument} holds class {indices.max()} but {because} (0 to {C - 1})")


def _regions(net: Classifier, X: Array, y: Array, resolution: int) -> tuple[Array, Array, Array]:
    """Grid lines x1 and x2 (R,) around X, and the probabilities (R, R, C) where they cross: rows x2, columns x1."""
    low, high = X.min(axis=0), X.max(axis=0)
    margin = np.where(high > low, 0.1 * (high - low), 1.0)
    x1, x2 = np.linspace(low - margin, high + margin, resolution).T
    probabilities = np.asarray(net.predict_proba(np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)))
    if probabilities.ndim == 3:
        raise ValueError(f"net is a stack of {len(probabilities)} networks; draw one of them, such as net[0]")
    if probabilities.shape[1] == 1:
        probabilities = np.hstack([1 - probabilities, probabilities])
    C = probabilities.shape[1]
    _require_known("y", y, C, f"the network knows {C} classes")
    return x1, x2, probabilities.reshape(resolution, resolution, C)


def _draw_boundary(ax: "Axes", X: Array, y: Array, x1: Array, x2: Array, probabilities: Array, *, size: float) -> None:
    from matplotlib.colors import to_rgb

    C = probabilities.shape[-1]
    predicted, confidence = probabilities.argmax(axis=-1), probabilities.max(axis=-1)
    colours = np.array([to_rgb(colour(c)) for c in range(C)])
    sureness = (confidence - 1 / C) / (1 - 1 / C)  # 0: all classes alike, 1: certain
    shaded = np.dstack([colours[predicted], 0.1 + 0.35 * sureness])  # (R, R, 4): opacity is confidence
    half = (x1[1] - x1[0]) / 2, (x2[1] - x2[0]) / 2  # a pixel reaches half a step around its point
    extent: Any = (x1[0] - half[0], x1[-1] + half[0], x2[0] - half[1], x2[-1] + half[1])
    ax.imshow(shaded, extent=extent, origin="lower", aspect="auto", interpolation="nearest")
    for c in np.unique(predicted)[:-1]:  # the last class's border is the others'
        ahead = probabilities[..., c] - np.delete(probabilities, c, axis=-1).max(axis=-1)
        # Where classes tie the first wins: a hair of a lead puts the contour on the edge of the tie.
        lead = np.where(predicted == c, np.maximum(ahead, 1e-12), ahead)
        ax.contour(x1, x2, lead, levels=[0.0], colors=ink(), linewidths=1.2)
    for c in np.unique(y):
        points = X[y == c]
        look: Any = {"color": colour(c), "marker": marker(c), "edgecolor": ink(), "linewidth": 0.6}
        ax.scatter(points[:, 0], points[:, 1], s=size, label=f"class {c}", **look)
    ax.set(xlim=(x1[0], x1[-1]), ylim=(x2[0], x2[-1]))
    ax.grid(False)
