"""The gradient checker: every derivative that was worked out by hand, against one that was measured."""

from handgrad.gradcheck.comparison import ParameterCheck
from handgrad.gradcheck.diagnosis import Finding
from handgrad.gradcheck.function_check import check_gradient
from handgrad.gradcheck.network_check import check_network
from handgrad.gradcheck.report import GradientError, Report

__all__ = ["Finding", "GradientError", "ParameterCheck", "Report", "check_gradient", "check_network"]
