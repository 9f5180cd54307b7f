"""Comparisons over paired seeds, and the tour and report of `handgrad demo`. A larger laboratory will stand here."""

from handgrad.experiments.comparison import Comparison, Outcome, Result, Setting, conclude, train_all, train_setting
from handgrad.experiments.report import demo_report, write_atomically
from handgrad.experiments.tour import Tour, take_tour

__all__ = [
    "Comparison",
    "Outcome",
    "Result",
    "Setting",
    "Tour",
    "conclude",
    "demo_report",
    "take_tour",
    "train_all",
    "train_setting",
    "write_atomically",
]
