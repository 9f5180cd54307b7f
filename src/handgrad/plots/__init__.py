"""Plots: pictures of what others computed.

Every function takes data and an optional `ax` (a new figure where there is none), draws, and returns the Axes. Colours
are Okabe and Ito's, told apart by dashes or markers too, so that a colour-blind reader or a grey printer loses nothing;
`style()` and `style(dark=True)` give figures without a background for light and for dark pages.
"""

from handgrad.plots.classifiers import Classifier, confusion_matrix, decision_boundaries, decision_boundary
from handgrad.plots.distributions import Profile, histograms, intervals, profiles
from handgrad.plots.gradients import GradientReport, gradient_errors
from handgrad.plots.lines import History, curves, history
from handgrad.plots.signal_propagation import correlation_by_depth, length_by_depth, phase_diagram
from handgrad.plots.signals import Monitored, signals
from handgrad.plots.theme import style

__all__ = [
    "Classifier",
    "GradientReport",
    "History",
    "Monitored",
    "Profile",
    "confusion_matrix",
    "correlation_by_depth",
    "curves",
    "decision_boundaries",
    "decision_boundary",
    "gradient_errors",
    "histograms",
    "history",
    "intervals",
    "length_by_depth",
    "phase_diagram",
    "profiles",
    "signals",
    "style",
]
