"""`handgrad check`: prove a saved network's gradient, or the gradient of any function."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.errors import FAILED, WRONG_CALL, fail, one_line_errors
from handgrad.cli.output import JsonOption, print_json, show, table

if TYPE_CHECKING:
    from handgrad.arrays import Array
    from handgrad.gradcheck import Finding, Report
    from handgrad.network import Network


@one_line_errors
def check(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="A saved network; or a function, as module:name or file.py:name.")
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
    returns one.

    Examples: handgrad check iris-network/model.safetensors iris

    handgrad check mine.py:cross_entropy
    """
    if data is not None:
        report = check_saved(what, data, target, rows, tolerance)
    elif ":" in what:
        report = check_named(what, tolerance)
    else:
        raise ValueError(
            f"WHAT is {what!r}; expected a saved network followed by DATA (handgrad check {what} data.csv), "
            "or a function as module:name or file.py:name"
        )
    if json:
        print_json(report.to_dict())
    else:
        show(*tables(report))
    if not report.passed:
        fail("check", "not proved: " + "; ".join(_accusation(each) for each in report.findings), FAILED)


def _accusation(finding: "Finding") -> str:
    """The parameter, and the cause where it is known."""
    return finding.parameter if finding.cause == "unknown" else f"{finding.parameter} ({finding.cause})"


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


def check_named(name: str, tolerance: float) -> "Report":
    """The gradient check of a triple (function, gradient, x), or of a function that returns one."""
    from handgrad.gradcheck import check_gradient

    found = find(name)
    try:
        triple = found() if callable(found) else found
        if not isinstance(triple, tuple) or len(triple) != 3:
            raise TypeError(
                f"{name} gives {type(triple).__name__}; expected (function, gradient, x), "
                "or a function without arguments that returns them"
            )
        return check_gradient(*triple, tolerance=tolerance)
    except (ValueError, TypeError):
        raise
    except Exception as failure:  # it is the user's code that ran
        fail("check", f"{name} raised {type(failure).__name__}: {failure}", FAILED)


def find(name: str) -> Any:
    """What stands under module:name or file.py:name."""
    place, _, attribute = name.rpartition(":")
    module = _import(place)
    if not hasattr(module, attribute):
        from handgrad.rules import unknown

        raise unknown(f"name in {place}", attribute, [each for each in vars(module) if not each.startswith("_")])
    return getattr(module, attribute)


def _import(place: str) -> Any:
    """The module of that name or file; modules are also looked for in the working folder."""
    path = Path(place)
    if path.suffix == ".py" and not path.is_file():
        raise FileNotFoundError(f"WHAT names the file {place!r}, which does not exist (working folder: {Path.cwd()})")
    sys.path.insert(0, str(path.resolve().parent if path.suffix == ".py" else Path.cwd()))
    try:
        return _run_file(path) if path.suffix == ".py" else importlib.import_module(place)
    except ModuleNotFoundError as missing:
        raise ValueError(f"WHAT names {place!r}: {missing}; expected a module or a file ending in .py") from missing
    except Exception as failure:
        fail("check", f"{place} could not be imported: {type(failure).__name__}: {failure}", WRONG_CALL)


def _run_file(path: Path) -> Any:
    spec: Any = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tables(report: "Report") -> list[Any]:
    """The report for a terminal: verdict, table, findings."""
    verdict = "PROVED" if report.passed else "INCONCLUSIVE" if report.inconclusive else "NOT PROVED"
    grid = table("parameter", "shape", "entries>", "on kinks>", "relative error>", "verdict")
    for each in report.checks:
        shape = "×".join(map(str, each.shape)) or "scalar"
        figures = f"{each.entries:,}", f"{each.unjudged:,}", f"{each.relative_error:.1e}"
        grid.add_row(each.name, shape, *figures, each.verdict)
    findings = [f"{finding.parameter}: {finding.evidence}" for finding in report.findings]
    return [f"{verdict}: {report.title}", grid, *findings]
