"""The look that the plots share: colours, dashes, markers, and the style of a light or a dark page.

Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), but for yellow, which a light page swallows. In each page's
order the first shows best and neighbours differ in luminance; the ink comes last. The numbers of colours, dashes and
markers have no common divisor: pairs repeat only after 35 lines, or 63 classes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, SKY, VERMILLION, PINK = "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7"
ON_LIGHT = (BLUE, ORANGE, GREEN, SKY, VERMILLION, PINK)
ON_DARK = (SKY, VERMILLION, PINK, BLUE, ORANGE, GREEN)
DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = "os^DvP<X>"


@contextmanager
def style(dark: bool = False) -> Iterator[None]:
    """The look of handgrad's reports inside a `with`: no background, ink for a light page or a dark one.

    The user's own settings come back afterwards. Save the figure inside the `with` too.

    >>> from matplotlib.figure import Figure
    >>> with style(dark=True):
    ...     figure = Figure()
    >>> figure.get_facecolor()
    (0.0, 0.0, 0.0, 0.0)
    """
    import matplotlib as mpl
    from matplotlib.rcsetup import cycler

    text, quiet, faint = ("#e6edf3", "#a5afba", "#39424d") if dark else ("#1f2328", "#59636e", "#d8dee4")
    settings: Any = {
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "text.color": text,
        "axes.labelcolor": text,
        "axes.titlecolor": text,
        "axes.edgecolor": quiet,
        "xtick.color": quiet,
        "ytick.color": quiet,
        "xtick.labelcolor": text,
        "ytick.labelcolor": text,
        "grid.color": faint,
        "grid.linewidth": 0.7,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": "medium",
        "axes.prop_cycle": cycler(color=[*(ON_DARK if dark else ON_LIGHT), text]),
        "legend.frameon": False,
    }
    with mpl.rc_context(settings):
        yield


def new_axes(ax: "Axes | None", width: float, height: float) -> "Axes":
    """The axes given, or those of a new figure of that size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def ink() -> str:
    """The colour of text on the reader's page."""
    import matplotlib as mpl

    return str(mpl.colors.to_hex(mpl.rcParams["text.color"]))


def is_dark() -> bool:
    """Whether the page is dark, told by its ink."""
    return luminance(ink()) > 0.5


def page() -> str:
    """The colour of the page."""
    return "#161b22" if is_dark() else "#ffffff"


def colour(i: int) -> str:
    """The i-th colour; 0 is the one for a picture of one colour."""
    colours = (*(ON_DARK if is_dark() else ON_LIGHT), ink())
    return colours[i % len(colours)]


def line_style(i: int, points: int) -> dict[str, Any]:
    """Colour and dashes of the i-th line; a marker where it has one point and would not show."""
    dashes = DASHES[i % len(DASHES)]
    return {"color": colour(i), "linestyle": dashes, "linewidth": 1.8, "marker": marker(i) if points == 1 else ""}


def marker(i: int) -> str:
    """The i-th class's marker."""
    return MARKERS[i % len(MARKERS)]


def luminance(any_colour: Any) -> float:
    """Relative luminance of a colour, 0 (black) to 1 (white), as WCAG 2 defines it.

    >>> luminance("white"), luminance("black")
    (1.0, 0.0)
    """
    from matplotlib.colors import to_rgb

    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(any_colour))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def text_on(background: Any) -> str:
    """Black or white, whichever has the higher contrast on that background (WCAG 2: they tie at 0.179)."""
    return "white" if luminance(background) < 0.179 else "black"
