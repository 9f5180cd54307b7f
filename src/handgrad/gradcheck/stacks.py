"""The reports on the networks of a stack, as one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from handgrad.gradcheck.comparison import ParameterCheck
from handgrad.gradcheck.report import Report
from handgrad.network import Network

_WORST_FIRST = ("WRONG", "inconclusive", "below noise", "ok", "zero")


def together(reports: Sequence[Report], net: Network) -> Report:
    """The reports on the networks of a stack as one: a row for each parameter, the findings of all."""
    by_name: dict[tuple[str, str], list[tuple[int, ParameterCheck]]] = {}
    for number, report in enumerate(reports):
        for check in report.checks:
            by_name.setdefault((check.name, check.point), []).append((number, check))
    findings = [
        replace(finding, evidence=f"network {number}: {finding.evidence}")
        for number, report in enumerate(reports)
        for finding in report.findings
    ]
    first = reports[0]
    compared = [name for name in first.analytic if all(name in report.analytic for report in reports)]
    return Report(
        f"gradient check of {net!r}",
        float(np.mean([report.loss for report in reports])),
        first.tolerance,
        tuple(_stacked(checks) for checks in by_name.values()),
        tuple(findings),
        first.notes,
        {name: np.stack([report.analytic[name] for report in reports]) for name in compared},
        {name: np.stack([report.numeric[name] for report in reports]) for name in compared},
    )


def _stacked(checks: Sequence[tuple[int, ParameterCheck]]) -> ParameterCheck:
    """One parameter's checks in several networks as one, with the verdict of the worst."""
    number, worst = min(checks, key=lambda each: (_WORST_FIRST.index(each[1].verdict), -each[1].relative_error))
    each = [check for _, check in checks]
    size = float(np.linalg.norm([check.size for check in each]))
    return replace(
        worst,
        shape=(len(each), *worst.shape),
        entries=sum(check.entries for check in each),
        measured=sum(check.measured for check in each),
        judged=sum(check.judged for check in each),
        kinks=sum(check.kinks for check in each),
        relative_error=float(np.linalg.norm([check.relative_error * check.size for check in each])) / (size or 1.0),
        size=size,
        noise=float(np.linalg.norm([check.noise for check in each])),
        missing=max(check.missing for check in each),
        index=(number, *worst.index),
    )
