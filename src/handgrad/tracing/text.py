"""A trace as text: the quantities as they come up, the formula of each step, and its entries written out."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from handgrad.arrays import Array
from handgrad.tracing.steps import Step, Term
from handgrad.tracing.writing import figure

if TYPE_CHECKING:
    from handgrad.tracing.tracing import Trace

Known = tuple[str, bool]  # a quantity, or the gradient by it

SHOWN_ROWS, SHOWN_COLUMNS = 8, 8  # of a matrix
SHOWN_PRODUCTS = 12  # of a step
HEADINGS = {"forward": "FORWARD", "loss": "LOSS", "backward": "BACKWARD"}


def trace_text(trace: "Trace") -> str:
    """All steps, under headings; a quantity's numbers are shown where it comes up first."""
    blocks, heading = [title(trace), *trace.notes], ""
    known: set[Known] = set()
    for number, step in enumerate(trace.steps, 1):
        if HEADINGS[step.direction] != heading:
            heading = HEADINGS[step.direction]
            blocks.append(heading)
        blocks.append(step_text(step, f"{number}. ", known))
    return "\n\n".join(blocks)


def title(trace: "Trace") -> str:
    """What was traced, and the loss that came out."""
    rows = f"{trace.rows} row{'s' * (trace.rows > 1)}"
    mode = "training" if trace.training else "prediction"
    return f"trace of {trace.network} on {rows}, in {mode} mode: loss {figure(trace.loss)}"


def step_text(step: Step, number: str = "", known: set[Known] | None = None) -> str:
    """One step; terms in `known` are only named, and what this step shows is added to it."""
    known = set() if known is None else known
    lines = [f"{number}{step.layer}: {step.title}"]
    lines += [f"   {step.formula}{_where(step)}"] if step.formula != step.symbol else []
    for term in step.terms:
        if (term.of, term.gradient) not in known:
            lines += [f"   {each}" for each in matrix(term.name, term.value)]
    lines += [f"   {each}" for each in matrix(step.symbol, step.value)]
    known |= {(term.of, term.gradient) for term in step.terms} | {(step.of, step.gradient)}
    if step.note:
        lines.append(f"   ({step.note})")
    lines += [f"     {each}" for each in _products(step)]
    return "\n".join(lines)


def _where(step: Step) -> str:
    """What the letters stand for, and their shapes."""
    terms = "; ".join(f"{term.name}{shape(term.value)} {meaning(term)}" for term in step.terms)
    return f"   where {terms}" if terms else ""


def meaning(term: Term) -> str:
    """Which quantity a letter is, or by which one it is the gradient."""
    return f"by {term.of}" if term.gradient else f"is {term.of}"


def shape(value: Array) -> str:
    """(2, 3) after a space, and nothing for a scalar."""
    return f" {value.shape}" if value.ndim else ""


def matrix(name: str, value: Array) -> list[str]:
    """A row for each row, columns under each other, cut where it is large."""
    rows = [[figure(each) for each in row[:SHOWN_COLUMNS]] for row in as_table(value)[:SHOWN_ROWS]]
    wide = max(len(each) for row in rows for each in row)
    more = " …" if value.ndim > 1 and value.shape[1] > SHOWN_COLUMNS else ""
    head = f"{name} = "
    lines = [
        (head if number == 0 else " " * len(head)) + "  ".join(each.rjust(wide) for each in row) + more
        for number, row in enumerate(rows)
    ]
    return lines + ([" " * len(head) + cut(value)] if cut(value) else [])


def as_table(value: Array) -> Array:
    """The values of rows as a column, a scalar as a matrix of one entry."""
    return value if value.ndim > 1 else value.reshape(-1, 1)


def cut(value: Array) -> str:
    """What of a large matrix is not shown, in words."""
    parts = []
    if value.ndim and value.shape[0] > SHOWN_ROWS:
        parts.append(f"{SHOWN_ROWS} of {value.shape[0]} rows")
    if value.ndim > 1 and value.shape[1] > SHOWN_COLUMNS:
        parts.append(f"{SHOWN_COLUMNS} of {value.shape[1]} columns")
    return f"(first {' and '.join(parts)})" if parts else ""


def _products(step: Step) -> Iterator[str]:
    yield from map(str, step.products[:SHOWN_PRODUCTS])
    hidden = max(len(step.products) - SHOWN_PRODUCTS, 0) + step.left_out
    if hidden:
        yield f"… and {hidden} more"
