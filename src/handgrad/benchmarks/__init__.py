"""Measurements: handgrad beside the plain loop, the floor of its matrix products, and other libraries."""

from handgrad.benchmarks.bench import Results, bench
from handgrad.benchmarks.page import write_page
from handgrad.benchmarks.workloads import WORKLOADS

__all__ = ["WORKLOADS", "Results", "bench", "write_page"]
