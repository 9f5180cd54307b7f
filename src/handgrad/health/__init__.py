"""Health: what passes through a network's layers while it trains, and what is wrong where it trains badly."""

from handgrad.health.monitor import Monitor, Sample
from handgrad.health.signals import LayerSignals, Signals, signals

__all__ = ["LayerSignals", "Monitor", "Sample", "Signals", "signals"]
