"""`handgrad check`: prove a saved network's gradient, or the gradients of any functions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from handgrad.cli.drawings import draw_errors
from handgrad.cli.errors import FAILED, WRONG_CALL, fail, one_line_errors
from handgrad.cli.output import JsonOption, print_json
from handgrad.cli.triples import find, find_all, is_code, prints_aside

if TYPE_CHECKING:
    from handgrad.arrays import Array
    from handgrad.gradcheck import Report
    from handgrad.network import Network


class Unchecked(NamedTuple):
    """Why a triple could not be checked, and the exit code that tells whose fault it was."""

    reason: str
    code: int


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
    training: Annotated[
        bool, typer.Option(help="A network as it trains (dropout drops, batch norm uses the batch), or as it predicts.")
    ] = True,
    tolerance: Annotated[
        float | None,
        typer.Option(help="The largest relative error that counts as right: 1e-7, for float32 functions 1e-4."),
    ] = None,
    entries: Annotated[
        int | None,
        typer.Option(help="How many entries are measured at most: of a function in all, of a network per parameter."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Also draw the error of every entry there.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Prove gradients: compare each derivative with a measured one, and say what is wrong if they differ.

    A network is checked in every parameter and in its inputs. As a function, WHAT names a triple
    (function, gradient, x) as handgrad.check_gradient takes it, or a function without arguments that
    returns one. A whole file or module is checked in each of its triples, and in what each of its own
    functions called check_... returns. The exit code is 1 if any gradient is not proved.

    Examples: handgrad check iris-network/model.safetensors iris

    handgrad check mine.py:cross_entropy --plot errors.png

    handgrad check mine.py --entries 500
    """
    options = {"tolerance": tolerance, "entries": entries}
    if plot is not None:
        require_picture(plot)
    if data is None and ":" not in what and is_code(what):
        if plot is not None:
            raise ValueError(f"--plot draws one report; name one of {what}'s gradients, as {what}:name")
        show_all({name: check_triple(f"{what}:{name}", each, options) for name, each in find_all(what).items()}, json)
        return
    if data is not None:
        if what.partition(":")[0].endswith(".py"):
            raise ValueError(f"DATA is {data!r}, but {what} is Python, which brings its own x; leave DATA out")
        report = check_saved(what, data, target, rows, training, options)
    elif ":" in what:
        found = check_triple(what, find(what), options)
        if isinstance(found, Unchecked):
            fail("check", found.reason, found.code)
        report = found
    else:
        raise ValueError(
            f"WHAT is {what!r}; expected a saved network followed by DATA (handgrad check {what} data.csv), "
            "a file ending in .py, a module, or a function as module:name or file.py:name"
        )
    if json:
        print_json(plain(report))
    else:
        print(printed(report))
    if plot is not None and report.analytic:
        draw_errors(report, plot)
    if not report.passed:
        fail("check", f"not proved: {_accusations(report)}", FAILED)


def require_picture(plot: Path) -> None:
    """Refuse, before any work is done, a file that is no .png or cannot be written."""
    if plot.suffix != ".png":
        raise ValueError(f"--plot is {str(plot)!r}; expected a file ending in .png")
    if not plot.parent.is_dir():
        raise FileNotFoundError(f"--plot is {str(plot)!r}, but there is no folder {str(plot.parent)!r}")


def show_all(found: "dict[str, Report | Unchecked]", json: bool) -> None:
    """The reports on everything in a file; what could not be checked does not hide the rest."""
    reports = {name: each for name, each in found.items() if not isinstance(each, Unchecked)}
    unchecked = {name: each for name, each in found.items() if isinstance(each, Unchecked)}
    if json:
        errors = {name: {"verdict": "NOT CHECKED", "error": each.reason} for name, each in unchecked.items()}
        print_json({name: plain(report) for name, report in reports.items()} | errors)
    else:
        for name, report in reports.items():
            print(printed(report, name), end="\n\n")
        for name, each in unchecked.items():
            print(f"NOT CHECKED: {name}: {each.reason}", end="\n\n")
        print(f"{sum(report.passed for report in reports.values())} of {len(found)} proved")
    failed = [f"{name}: {_accusations(report)}" for name, report in reports.items() if not report.passed]
    if failed or unchecked:
        said = [f"not proved: {'; '.join(failed)}"] if failed else []
        said += [f"not checked: {'; '.join(each.reason for each in unchecked.values())}"] if unchecked else []
        fail("check", "; ".join(said), max([FAILED, *(each.code for each in unchecked.values())]))


def plain(report: "Report") -> dict[str, Any]:
    """The report for JSON, which knows no NaN and no infinity: null where a gradient could not be compared."""
    from math import isfinite

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: finite(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [finite(each) for each in value]
        return None if isinstance(value, float) and not isfinite(value) else value

    return {key: finite(value) for key, value in report.to_dict().items()}


def _accusations(report: "Report") -> str:
    """Each parameter with a finding, and the cause where it is known."""
    return ", ".join(
        each.parameter if each.cause == "unknown" else f"{each.parameter} ({each.cause})" for each in report.findings
    )


def check_saved(
    net: str, data: str, target: str | None, rows: int, training: bool, options: dict[str, Any]
) -> "Report":
    """The gradient check of a saved network on the first rows of some data."""
    from handgrad.gradcheck import check_network

    network, X, y = saved_on(net, data, target)
    return check_network(network, X[:rows], y[:rows], training=training, **options)


def saved_on(net: str, data: str, target: str | None) -> "tuple[Network, Array, Array]":
    """A saved network, and some data as its X and y."""
    from handgrad.cli.network import inputs_of, load_network, read_data

    network = load_network(net)
    raw, y = read_data(data)
    if y is None:
        y = targets_of(network, raw, data, target)
        raw = raw.drop(columns=target or network.preprocessing.target_name)
    elif target is not None:
        raise ValueError(f"--target is {target!r}, but {data!r} has its own target; leave --target out")
    return network, inputs_of(network, raw), y


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


def check_triple(name: str, found: Any, options: dict[str, Any]) -> "Report | Unchecked":
    """The gradient check of a triple (function, gradient, x), or of a function that returns one, or its own report."""
    from handgrad.gradcheck import Report, check_gradient

    try:
        with prints_aside():
            triple = found() if callable(found) else found
            if isinstance(triple, Report):
                return triple
            if not isinstance(triple, tuple) or len(triple) != 3:
                return Unchecked(
                    f"{name}: it gives {type(triple).__name__}; expected (function, gradient, x), or a function "
                    "without arguments that returns them",
                    WRONG_CALL,
                )
            return check_gradient(*triple, **options)
    except (ValueError, TypeError) as wrong:
        return Unchecked(f"{name}: {wrong}", WRONG_CALL)
    except Exception as failure:  # it is the user's code that ran
        return Unchecked(f"{name} raised {type(failure).__name__}: {failure}", FAILED)


def printed(report: "Report", title: str | None = None) -> str:
    """The report as it prints itself, under a verdict in the words of the command; as wide as it is, for pipes."""
    verdict = "PROVED" if report.passed else "INCONCLUSIVE" if report.inconclusive else "NOT PROVED"
    _, rest = str(report).split("\n", 1)
    return f"{verdict}: {title or report.title} (value {report.loss:.6g}, tolerance {report.tolerance:g})\n{rest}"
