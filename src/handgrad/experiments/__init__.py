"""The laboratory: studies over paired seeds, their store, statistics and report; and the tour of `handgrad demo`."""

from handgrad.experiments.demo_report import demo_report
from handgrad.experiments.result import Result
from handgrad.experiments.store import Store, StoreError
from handgrad.experiments.study import Study
from handgrad.experiments.tour import Tour, take_tour
from handgrad.experiments.writing import write_atomically

__all__ = ["Result", "Store", "StoreError", "Study", "Tour", "demo_report", "take_tour", "write_atomically"]
