"""A report as a table for Jupyter; colours come from the notebook's own theme, light or dark."""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handgrad.gradcheck.report import Report

_COLOURS = {"PASSED": "#2e8b57", "FAILED": "#d1495b", "INCONCLUSIVE": "#c98a1b"}


def html(report: "Report") -> str:
    """The report as an HTML fragment without scripts or outside styles."""
    from handgrad.gradcheck.report import HEADINGS

    head = "".join(f"<th style='text-align:left'>{heading}</th>" for heading in HEADINGS)
    body = "".join(_row(row) for row in report.rows())
    findings = "".join(f"<li>{escape(each)}</li>" for each in (*report.sayings(), *report.notes))
    return (
        f"<div><p><b style='color:{_COLOURS[report.verdict]}'>{report.verdict}</b> {escape(report.title)} "
        f"(value {report.loss:.6g}, tolerance {report.tolerance:g})</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><ul>{findings}</ul></div>"
    )


def _row(cells: tuple[str, ...]) -> str:
    wrong = " style='font-weight:bold'" if cells[-1] == "WRONG" else ""
    data = "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in cells)
    return f"<tr{wrong}>{data}</tr>"
