"""A trace as a page: matrices beside each other, each entry written out below; no scripts, nothing fetched."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING

from handgrad.arrays import Array
from handgrad.tracing.steps import Product, Step, Term
from handgrad.tracing.text import SHOWN_COLUMNS, SHOWN_ROWS, as_table, cut, meaning, shape, title
from handgrad.tracing.writing import figure

if TYPE_CHECKING:
    from handgrad.tracing.tracing import Trace

OPEN_PRODUCTS = 6  # of a step; the others unfold
HEADINGS = {
    "forward": ("Forward", "From the inputs, layer by layer, to the last output."),
    "loss": ("Loss", "What the output costs, beside what it should have been."),
    "backward": ("Backward", "The chain rule, last layer first: each gradient beside the product that it is made of."),
}


def trace_page(trace: "Trace") -> str:
    """A whole page, with its style inside."""
    style = files("handgrad.tracing").joinpath("trace.css").read_text(encoding="utf-8")
    name = escape(title(trace))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="handgrad">
<title>{name}</title>
<style>
{style}</style>
</head>
<body>
{_head(trace)}
{_parts(trace.steps)}
<footer>Numbers are shown to six significant digits and were computed with all of them. [r,c] is row r and column c,
counted from 0; ⊙ multiplies entry by entry, ᵀ turns rows into columns, ln is the natural logarithm.</footer>
</body>
</html>
"""


def _head(trace: "Trace") -> str:
    rows = f"{trace.rows} row{'s' * (trace.rows > 1)}"
    mode = "training" if trace.training else "prediction"
    links = "".join(f'<a href="#{each}">{HEADINGS[each][0]}</a>' for each in HEADINGS)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in trace.notes)
    return f"""<header>
<h1>Forward and back, by hand</h1>
<p class="lead">{escape(trace.network)} on {rows}, in {mode} mode. Loss <b>{figure(trace.loss)}</b>.</p>
{notes}<nav>{links}</nav>
</header>"""


def _parts(steps: Sequence[Step]) -> str:
    """A heading for each direction, and its steps, numbered throughout."""
    parts = []
    for direction, group in groupby(enumerate(steps, 1), key=lambda each: each[1].direction):
        heading, lead = HEADINGS[direction]
        inside = "\n".join(_step(number, step) for number, step in group)
        parts.append(
            f'<section id="{direction}" class="{direction}">\n<h2>{heading}</h2>\n<p>{lead}</p>\n{inside}\n</section>'
        )
    return "\n".join(parts)


def _step(number: int, step: Step) -> str:
    formula = f'<p class="formula">{escape(step.formula)}</p>' if step.formula != step.symbol else ""
    tables = "".join([_matrix(step.symbol, _of(step), step.value, "result"), *map(_operand, step.terms)])
    note = f'<p class="note">{escape(step.note)}</p>' if step.note else ""
    return (
        f'<article id="step{number}">\n<h3><span>{number}</span> {escape(step.layer)}: {escape(step.title)}</h3>\n'
        f'{formula}<div class="matrices">{tables}</div>\n{note}{_products(step)}</article>'
    )


def _of(step: Step) -> str:
    return f"by {step.of}" if step.gradient else "" if step.of == step.symbol else f"is {step.of}"


def _operand(term: Term) -> str:
    return _matrix(term.name, "" if term.of == term.name else meaning(term), term.value, "")


def _matrix(name: str, words: str, value: Array, kind: str) -> str:
    """The numbers, under the letter that they have in the formula."""
    wide = value.ndim > 1 and value.shape[1] > SHOWN_COLUMNS
    lines = "".join(
        f"<tr>{''.join(f'<td>{figure(each)}</td>' for each in row[:SHOWN_COLUMNS])}{'<td>…</td>' * wide}</tr>"
        for row in as_table(value)[:SHOWN_ROWS]
    )
    caption = f"<b>{escape(name)}</b> {escape(words)}<small>{shape(value)} {cut(value)}</small>"
    return f'<div class="matrix {kind}"><p>{caption}</p><div class="scroll"><table>{lines}</table></div></div>'


def _products(step: Step) -> str:
    if not step.products:
        return ""
    shown, others = step.products[:OPEN_PRODUCTS], step.products[OPEN_PRODUCTS:]
    left_out = f"<p class='note'>{step.left_out:,} more entries are not written out.</p>" if step.left_out else ""
    if not others:
        return _list(shown) + left_out
    summary = f"<summary>{len(others)} more entr{'ies' if len(others) > 1 else 'y'}</summary>"
    return f"{_list(shown)}<details>{summary}{_list(others)}{left_out}</details>"


def _list(products: Sequence[Product]) -> str:
    return f'<ul class="products">{"".join(map(_product, products))}</ul>\n'


def _product(each: Product) -> str:
    """The entry in symbols; in numbers, below; and why it is this branch."""
    value = figure(each.value)
    symbols = f" = {escape(each.symbols)}" if each.symbols != value else ""
    numbers = f"= {escape(each.numbers)} " if each.numbers != value else ""
    when = f" <i>as {escape(each.when)}</i>" if each.when else ""
    return f"<li><span>{escape(each.name)}{symbols}</span> <span>{numbers}= <b>{value}</b>{when}</span></li>"
