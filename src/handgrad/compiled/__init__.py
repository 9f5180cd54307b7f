"""Formulas, layers and networks as compiled code."""
