"""`handgrad trace`: a row of some data followed forward and back through a saved network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handgrad.cli.check import saved_on
from handgrad.cli.errors import one_line_errors
from handgrad.cli.output import JsonOption, print_json

if TYPE_CHECKING:
    from handgrad.tracing import Trace


@one_line_errors
def trace(
    net: Annotated[str, typer.Argument(metavar="NET", help="A network that handgrad train or handgrad.save wrote.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="A file, or a built-in name.")],
    row: Annotated[int, typer.Option(help="Which row of DATA, from 0; the first of them.", min=0)] = 0,
    rows: Annotated[int, typer.Option(help="How many rows, from that one.", min=1)] = 1,
    target: Annotated[
        str | None, typer.Option(help="Target column of DATA, if not the one the network was trained on.")
    ] = None,
    training: Annotated[
        bool,
        typer.Option(help="As it trains (dropout drops, batch norm uses the batch), or as it predicts."),
    ] = True,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page there instead of text; replaces the file.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Follow a row forward and back through a network: formulas, shapes, and each number beside what it is made of.

    Every gradient stands next to the chain-rule product that gives it, written out for a pocket calculator.

    Examples: handgrad trace iris-network/model.safetensors iris --row 3

    handgrad trace iris-network/model.safetensors iris --row 3 --html trace.html
    """
    if html is not None:
        require_page(html)
    found = traced(net, data, target, row, rows, training)
    if html is not None:
        from handgrad.files.disk import replace

        replace(html, found.to_html().encode(), "the page")
    if json:
        print_json(found.to_dict())
    elif html is None:
        print(found)
    else:
        print(f"{len(found.steps)} steps of {found.network}, loss {found.loss:.6g}, in {html}")


def traced(net: str, data: str, target: str | None, row: int, rows: int, training: bool) -> "Trace":
    """The trace of a saved network on some rows of some data."""
    import handgrad

    network, X, y = saved_on(net, data, target)
    if row + rows > len(X):
        last = f"{row}" if rows == 1 else f"{row} to {row + rows - 1}"
        raise ValueError(f"--row: {data} has the rows 0 to {len(X) - 1}, not {last}")
    return handgrad.trace(network, X[row : row + rows], y[row : row + rows], training=training)


def require_page(html: Path) -> None:
    """Refuse, before any work is done, a file that is no .html or has no folder."""
    if html.suffix not in (".html", ".htm"):
        raise ValueError(f"--html is {str(html)!r}; expected a file ending in .html")
    if not html.parent.is_dir():
        raise FileNotFoundError(f"--html is {str(html)!r}, but there is no folder {str(html.parent)!r}")
