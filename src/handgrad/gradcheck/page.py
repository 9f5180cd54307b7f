"""A report as a table for Jupyter, without scripts; text and lines take the notebook's own colours, light or dark."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handgrad.gradcheck.report import Report

# White letters on each have a contrast above 4.5.
_COLOURS = {"PASSED": "#1a7f45", "FAILED": "#c8324a", "INCONCLUSIVE": "#946200"}
_BADGE = "display:inline-block;padding:1px 8px;border-radius:4px;color:#fff;font-weight:600;background:{}"
_LINE = "1px solid rgba(128,128,128,.4)"
_CELL = "padding:3px 10px;border:0;white-space:nowrap;text-align:{};"
_NUMBER = "font-variant-numeric:tabular-nums;"
_WRONG = "background:rgba(200,50,74,.16);font-weight:600;"


def html(report: "Report") -> str:
    """The report as an HTML fragment without scripts or outside styles."""
    from handgrad.gradcheck.report import HEADINGS

    head = "".join(f"<th style='{_style(heading)}font-weight:600'>{heading}</th>" for heading in HEADINGS)
    body = "".join(_row(HEADINGS, row) for row in report.rows())
    badge = f"<span style='{_BADGE.format(_COLOURS[report.verdict])}'>{report.verdict}</span>"
    figures = f"<span style='opacity:.75'>(value {report.loss:.6g}, tolerance {report.tolerance:g})</span>"
    table = (
        f"<table style='border-collapse:collapse;margin:6px 0'>"
        f"<thead><tr style='border-bottom:{_LINE}'>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
    return (
        f"<div style='overflow-x:auto'><p style='margin:4px 0'>{badge} {escape(report.title)} {figures}</p>"
        f"{table}{_findings(report)}{_notes(report.notes)}</div>"
    )


def _style(heading: str) -> str:
    from handgrad.gradcheck.report import LEFT

    return _CELL.format("left") if heading in LEFT else _CELL.format("right") + _NUMBER


def _row(headings: Sequence[str], cells: Sequence[str]) -> str:
    wrong = _WRONG if cells[-1] == "WRONG" else "background:transparent;"
    pairs = zip(headings, cells, strict=True)
    data = "".join(f"<td style='{_style(heading)}'>{escape(cell)}</td>" for heading, cell in pairs)
    return f"<tr style='{wrong}'>{data}</tr>"


def _findings(report: "Report") -> str:
    """Parameters in bold, the cause as code, the evidence."""
    lines = [
        f"<li><b>{escape(names)}</b>: <code>{escape(cause)}</code>: {escape(evidence)}</li>"
        for names, cause, evidence in report.groups()
    ]
    return f"<ul style='margin:4px 0'>{''.join(lines)}</ul>" if lines else ""


def _notes(notes: Sequence[str]) -> str:
    return "".join(f"<p style='margin:2px 0;opacity:.75'>{escape(each)}</p>" for each in notes)
