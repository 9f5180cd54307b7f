"""What seeds say about settings, and what they do not say yet.

A seed gives one value of every setting on the same data and the same draws. `interval` says what the seeds of one
setting show, `compare_all` what their differences, seed by seed, show about each pair, `performance_profile` what share
of the runs gets how far, and `across_data` what several data sets show together.
"""

from handgrad.experiments.statistics.across_data import AcrossData, across_data
from handgrad.experiments.statistics.corrections import holm
from handgrad.experiments.statistics.improvement import probability_of_improvement
from handgrad.experiments.statistics.intervals import BOOTSTRAP_FROM, Interval, interval
from handgrad.experiments.statistics.pairs import POWER, Pair, compare, compare_all
from handgrad.experiments.statistics.profiles import Profile, performance_profile

__all__ = [
    "BOOTSTRAP_FROM",
    "POWER",
    "AcrossData",
    "Interval",
    "Pair",
    "Profile",
    "across_data",
    "compare",
    "compare_all",
    "holm",
    "interval",
    "performance_profile",
    "probability_of_improvement",
]
