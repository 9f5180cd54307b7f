"""A report in a notebook: all that the printed one says, safely, without scripts."""

import re
from html import unescape

import numpy as np
import pytest

import handgrad as hg
from handgrad.gradcheck import page
from handgrad.gradcheck.report import HEADINGS
from handgrad.plots.theme import luminance


def squares(factors):
    """The check of a sum of squares by each parameter, whose gradients are off by these factors."""
    return hg.check_gradient(
        lambda p: sum((x**2).sum() for x in p.values()),
        lambda p: {name: factors[name] * 2 * x for name, x in p.items()},
        {name: np.arange(1.0, 8.0) for name in factors},
    )


def cells(html):
    return [
        [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", html)[1:]
    ]


def test_the_table_is_the_printed_one():
    report = squares({"W": 1, "b": 3})
    html = report._repr_html_()
    assert re.findall(r"<th [^>]*>(.*?)</th>", html) == list(HEADINGS)
    assert cells(html) == [list(row) for row in report.rows()]
    assert "FAILED" in html
    assert f"tolerance {report.tolerance:g}" in html


def test_every_finding_and_note_is_there():
    report = hg.check_gradient(
        lambda p: (p["W"] ** 2).sum() + (p["b"] ** 3).sum(),
        lambda p: {"W": -2 * p["W"], "b": p["b"] ** 2},
        {"W": np.arange(1.0, 41.0), "b": np.arange(1.0, 4.0)},
        entries=10,
    )
    text = unescape(re.sub(r"<[^>]+>", "", report._repr_html_()))
    assert len(report.findings) == 2
    assert report.notes
    for line in (*report.sayings(), *report.notes):
        assert line in text


def test_names_are_escaped():
    html = squares({"<script>alert('&')</script>": 3})._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;" in html
    assert "<ul" not in squares({"W": 1})._repr_html_()


def test_numbers_are_aligned_to_the_right_and_wrong_rows_marked():
    html = squares({"W": 1, "b": 3})._repr_html_()
    rows = re.findall(r"<tr style='(.*?)'>(.*?)</tr>", html)[1:]
    assert ["font-weight:600" in style for style, _ in rows] == [False, True]
    for _, row in rows:
        styles = re.findall(r"<td style='(.*?)'", row)
        right = [name for name, style in zip(HEADINGS, styles, strict=True) if "text-align:right" in style]
        assert right == ["judged", "kinks", "error", "analytic", "numeric"]


@pytest.mark.parametrize("colour", page._COLOURS.values())
def test_white_on_each_verdict_can_be_read(colour):
    assert 1.05 / (luminance(colour) + 0.05) > 4.5
