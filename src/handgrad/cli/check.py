"""`handgrad check`: prove a saved network's gradient, or the gradients of any functions."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.errors import FAILED, fail, one_line_errors
from handgrad.cli.output import JsonOption, print_json, show, table
from handgrad.cli.triples import find, find_all, is_code

if TYPE_CHECKING:
    from handgrad.arrays import Array
    from handgrad.gradcheck import Report
    from handgrad.network import Network


@one_line_errors
def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="A saved network; or file.py or module, or one of its names: file.py:name."
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="For a network: a file or a built-in name.", show_default=False),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Target column of DATA, if not the one the network was trained on.")
    ] = None,
    rows: Annotated[int, typer.Option(help="How many rows of DATA, from the first.", min=1)] = 20,
    tolerance: Annotated[float, typer.Option(help="The largest relative error that counts as right.")] = 1e-7,
    json: JsonOption = False,
) -> None:
    """Prove gradients: compare each derivative with a measured one; exit code 1 if any is not proved.

    A network is checked in every parameter and in its inputs. As a function, WHAT names a triple
    (function, gradient, x) as handgrad.check_gradient takes it, or a function without arguments that
    returns one. A whole file or module is checked in each of its triples, and in what each of its own
    functions called check_... returns.

    Examples: handgrad check iris-network/model.safetensors iris

    handgrad check mine.py:cross_entropy

    handgrad check mine.py
    """
    if data is None and ":" not in what and is_code(what):
        reports = {name: check_triple(f"{what}:{name}", found, tolerance) for name, found in find_all(what).items()}
        show_all(reports, json)
        return
    if data is not None:
        report = check_saved(what, data, target, rows, tolerance)
    elif ":" in what:
        report = check_triple(what, find(what), tolerance)
    else:
        raise ValueError(
            f"WHAT is {what!r}; expected a saved network followed by DATA (handgrad check {what} data.csv), "
            "a file ending in .py, a module, or a function as module:name or file.py:name"
        )
    if json:
        print_json(report.to_dict())
    else:
        show(*tables(report))
    if not report.passed:
        fail("check", f"not proved: {_accusations(report)}", FAILED)


def show_all(reports: "dict[str, Report]", json: bool) -> None:
    """The reports on everything in a file."""
    if json:
        print_json({name: report.to_dict() for name, report in reports.items()})
    else:
        for name, report in reports.items():
            show(*tables(report, name))
            print()
        show(f"{sum(report.passed for report in reports.values())} of {len(reports)} proved")
    failed = [f"{name}: {_accusations(report)}" for name, report in reports.items() if not report.passed]
    if failed:
        fail("check", f"not proved: {'; '.join(failed)}", FAILED)


def _accusations(report: "Report") -> str:
    """Each parameter with a finding, and the cause where it is known."""
    return ", ".join(
        each.parameter if each.cause == "unknown" else f"{each.parameter} ({each.cause})" for each in report.findings
    )


def check_saved(net: str, data: str, target: str | None, rows: int, tolerance: float) -> "Report":
    """The gradient check of a saved network on the first rows of some data."""
    from handgrad.cli.network import inputs_of, load_network, read_data
    from handgrad.gradcheck import check_network

    network = load_network(net)
    raw, y = read_data(data)
    if y is None:
        y = targets_of(network, raw, data, target)
        raw = raw.drop(columns=target or network.preprocessing.target_name)
    elif target is not None:
        raise ValueError(f"--target is {target!r}, but {data!r} has its own target; leave --target out")
    return check_network(network, inputs_of(network, raw)[:rows], y[:rows], tolerance=tolerance)


def targets_of(net: "Network", rows: Any, data: str, target: str | None) -> "Array":
    """The target column as y: class indices where the network has class names, else numbers."""
    import numpy as np

    from handgrad.cli.network import class_names
    from handgrad.preprocessing import as_numbers, read_column
    from handgrad.rules import unknown

    column = target or (net.preprocessing.target_name if net.preprocessing is not None else None)
    if column is None:
        raise ValueError(f"--target is needed: name the column of {data} to predict: {', '.join(rows.columns)}")
    if column not in rows.columns:
        raise unknown("target column", column, rows.columns)
    values, names = read_column(rows, column), class_names(net)
    if names is None:
        return as_numbers(column, values)
    strange = next((str(value) for value in values if str(value) not in names), None)
    if strange is not None:
        raise unknown(f"class of {column!r}", strange, names)
    return np.array([names.index(str(value)) for value in values])


def check_triple(name: str, found: Any, tolerance: float) -> "Report":
    """The gradient check of a triple (function, gradient, x), or of a function that returns one."""
    from handgrad.gradcheck import check_gradient

    try:
        triple = found() if callable(found) else found
        if not isinstance(triple, tuple) or len(triple) != 3:
            raise TypeError(
                f"it gives {type(triple).__name__}; expected (function, gradient, x), "
                "or a function without arguments that returns them"
            )
        return check_gradient(*triple, tolerance=tolerance)
    except (ValueError, TypeError) as wrong:
        raise ValueError(f"{name}: {wrong}") from wrong
    except Exception as failure:  # it is the user's code that ran
        fail("check", f"{name} raised {type(failure).__name__}: {failure}", FAILED)


def tables(report: "Report", title: str | None = None) -> list[Any]:
    """The report for a terminal: verdict, table, findings."""
    verdict = "PROVED" if report.passed else "INCONCLUSIVE" if report.inconclusive else "NOT PROVED"
    grid = table("parameter", "shape", "entries>", "on kinks>", "relative error>", "verdict")
    for each in report.checks:
        shape = "×".join(map(str, each.shape)) or "scalar"
        figures = f"{each.entries:,}", f"{each.unjudged:,}", f"{each.relative_error:.1e}"
        grid.add_row(each.name, shape, *figures, each.verdict)
    findings = [f"{finding.parameter}: {finding.evidence}" for finding in report.findings]
    return [f"{verdict}: {title or report.title}", grid, *findings]
