"""Signatures: how the mistakes that people make in hand-written gradients look from outside, one small class each."""

from handgrad.gradcheck.signatures.registry import SIGNATURES, explain

__all__ = ["SIGNATURES", "explain"]
