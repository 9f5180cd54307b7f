"""Health: what passes through a network's layers while it trains, and what is wrong where it trains badly."""

from handgrad.health.diagnosis import Diagnosis, Finding, diagnose
from handgrad.health.illnesses import ILLNESSES
from handgrad.health.measuring import LayerSignals, Signals, signals
from handgrad.health.monitor import Monitor, Sample

__all__ = ["ILLNESSES", "Diagnosis", "Finding", "LayerSignals", "Monitor", "Sample", "Signals", "diagnose", "signals"]
