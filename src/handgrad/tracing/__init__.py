"""Tracing: one batch followed forward and back through a network, each number beside what it is made of."""

from handgrad.tracing.steps import Product, Step, Term
from handgrad.tracing.tracing import Trace, trace

__all__ = ["Product", "Step", "Term", "Trace", "trace"]
