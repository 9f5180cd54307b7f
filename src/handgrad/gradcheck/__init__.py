"""The gradient checker: every derivative that was worked out by hand, against one that was measured."""

from handgrad.gradcheck.functions import check_gradient
from handgrad.gradcheck.networks import check_network
from handgrad.gradcheck.report import Finding, GradientError, ParameterCheck, Report

__all__ = ["Finding", "GradientError", "ParameterCheck", "Report", "check_gradient", "check_network"]
