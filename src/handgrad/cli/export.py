"""`handgrad export`: a saved network as a file for another library, checked against the network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.errors import FAILED, WRONG_CALL, fail, one_line_errors
from handgrad.cli.output import ForceOption, JsonOption, print_json, require_writable

if TYPE_CHECKING:
    from handgrad.interchange.checking import Comparison
    from handgrad.network import Network


@one_line_errors
def export(
    net: Annotated[str, typer.Argument(metavar="NET", help="A network that handgrad train or handgrad.save wrote.")],
    to: Annotated[str, typer.Option(help="onnx, torch, sklearn or numpy.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; without it, beside NET with the suffix of its kind.")
    ] = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Write a saved network as a file that predicts the same without handgrad, and check that it does.

    onnx: raw columns in, for any ONNX runtime. torch: the state dict, for torch.load(FILE, weights_only=True).
    sklearn: a fitted estimator, for joblib.load, where scikit-learn can say what the network is. numpy: one Python
    file that needs NumPy only. The file is loaded again and its predictions compared with the network's before it is
    put in its place; if they differ, nothing is written and the exit code is 1.

    Example: handgrad export iris-network/model.safetensors --to onnx --out iris.onnx
    """
    from handgrad.cli.network import load_network
    from handgrad.interchange.writing import SUFFIXES
    from handgrad.rules import unknown

    if to not in SUFFIXES:
        raise unknown("--to", to, SUFFIXES)
    place = _beside(Path(net), to) if out is None else out
    network = load_network(net)
    _require_another_file(Path(net), place)
    require_writable(place, force)
    try:
        found = write_checked(network, place, to)
    except ImportError as missing:  # it says which extra brings the library
        fail("export", missing, WRONG_CALL)
    facts = {"net": net, "to": to, "out": str(place), **_told(found)}
    if not found.passed:
        labels = f" and {found.labels} labels differ" if found.labels else ""
        fail(
            "export",
            f"{to} predicts otherwise than the network: the largest difference is {found.difference:.3g}, more than "
            f"{found.tolerance:.3g}{labels}; nothing was written",
            FAILED,
        )
    if json:
        print_json(facts)
    else:
        print(
            f"Wrote {place}: its predictions on {found.rows} rows equal the network's, "
            f"the largest difference is {found.difference:.2g}"
        )


def _require_another_file(net: Path, place: Path) -> None:
    """Refuse, with --force too, the network's own file, by whatever name, and what is no file."""
    if place.is_dir():
        raise IsADirectoryError(f"--out is {str(place)!r}, a folder; expected a file; name one in it")
    if place.exists() and not place.is_file():
        raise ValueError(f"--out is {str(place)!r}, a device or a pipe; expected a file")
    if place.exists() and place.samefile(net):
        raise ValueError(
            f"--out is {str(place)!r}, the file of the network itself, which would be lost; name another with --out"
        )


def write_checked(net: "Network", place: Path, to: str) -> "Comparison":
    """Write the file, ask it again, and put it in its place if it predicts what the network predicts."""
    import tempfile

    from handgrad.files.disk import replace
    from handgrad.interchange.checking import compare
    from handgrad.interchange.writing import write

    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / place.name
        write(net, trial, to)
        found = compare(net, trial, to)
        if found.passed:
            replace(place, trial.read_bytes(), "the export")
    return found


def _beside(net: Path, to: str) -> Path:
    """The network's name with the suffix of the kind; for a module with what Python can import."""
    from handgrad.interchange.writing import SUFFIXES

    name = "".join(letter if letter.isalnum() else "_" for letter in net.stem) if to == "numpy" else net.stem
    return net.with_name(name + SUFFIXES[to])


def _told(found: "Comparison") -> dict[str, Any]:
    return {
        "rows": found.rows,
        "largest_difference": found.difference,
        "tolerance": found.tolerance,
        "labels_that_differ": found.labels,
    }
