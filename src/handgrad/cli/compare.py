"""`handgrad compare`: settings over paired seeds, with a verdict in words."""

import json as json_format
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.errors import FAILED, fail, one_line_errors
from handgrad.cli.output import ForceOption, JsonOption, bar, output_folder, print_json, show, table

if TYPE_CHECKING:
    from handgrad.experiments import Result, Study

_SEEDS, _EPOCHS, _RATE = 100, 500, 0.5
_MOST_ROWS = 60  # of settings on a screen


@one_line_errors
def compare(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A built-in name, a table, or a study in a .toml or .yaml file.")
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=V1,V2", help="A field and the values it takes; several: every combination."),
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A field for all settings.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(help="How many networks for each setting: 100, if nothing is said.", show_default=False),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Times that the training rows are seen: 500, if nothing is said.", show_default=False),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Rows of a step; 0, or nothing said: all of them.", show_default=False)
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Of the optimiser: 0.5 for plain SGD, for others their own.", show_default=False),
    ] = None,
    margin: Annotated[float, typer.Option(help="A difference of test accuracy (or R²) too small to matter.")] = 0.0,
    store: Annotated[
        Path | None,
        typer.Option(metavar="FILE.db", help="Keep finished networks there, and train only what is missing."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://...", help="A Dask scheduler; without it, this machine.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what it would cost.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for report.html and runs.csv.")] = Path("comparison"),
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Compare settings, each over the same seeds, and say what can be concluded and what cannot yet.

    A seed decides data, split, initial weights, batch order and dropout, and is the same for all settings. Fields
    are those of the network (init, activation, hidden_sizes, l2, dropout, norm, ...), of the training (epochs,
    batch_size, optimizer, learning_rate, momentum, schedule, ...) and of the data (n, noise, test, ...).

    Examples: handgrad compare moons --vary init=small,xavier,he --vary activation=relu,tanh --seeds 100

    handgrad compare iris --vary hidden_sizes=[4],[16],[16,16] --set optimizer=adam --learning-rate 0.01

    handgrad compare study.toml --store runs.db
    """
    started = time.monotonic()
    study = study_of(data, vary or [], setting or [], seeds, target, epochs, batch_size, learning_rate)
    if plan:
        print(study.plan())
        return
    with output_folder(out, force) as partial:
        result = run(study, store, scheduler)
        result.report(partial / "report.html", shlex.join(["handgrad", *sys.argv[1:]]), margin)
        result.export(partial / "runs.csv")
    report = str(out / "report.html")
    if json:
        print_json(result.to_dict(margin) | {"report": report})
    else:
        words = result.conclusion(margin=margin)
        show(*_summary(result), words, f"{time.monotonic() - started:.0f} s. Open the report: {report}")


def study_of(
    data: str,
    vary: list[str],
    settings: list[str],
    seeds: int | None,
    target: str | None,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
) -> "Study":
    """The study that the arguments describe, or the file."""
    from handgrad.experiments import Study
    from handgrad.experiments.recipe import full_name

    if Path(data).suffix in (".toml", ".yaml", ".yml"):
        if vary or settings or target or any(each is not None for each in (seeds, epochs, batch_size, learning_rate)):
            raise ValueError(
                f"the options that describe a study belong in {data}; leave out all of them but --store etc."
            )
        return Study.from_file(data)
    varied = {field: [value_of(each) for each in pieces(text)] for field, text in _assignments("--vary", vary)}
    fields: dict[str, dict[str, Any]] = {
        "data": {"name": data} | ({} if target is None else {"target": target}),
        "network": {},
        "training": {"epochs": _EPOCHS if epochs is None else epochs, "batch_size": batch_size or None},
    }
    options = {"training.epochs": epochs, "training.batch_size": batch_size, "training.learning_rate": learning_rate}
    for field, text in _assignments("--set", settings):
        section, name = full_name(field).split(".")
        if options.get(f"{section}.{name}") is not None or f"{section}.{name}" in map(full_name, varied):
            raise ValueError(f"--set {field}: {name} is given by another option too; leave one out")
        fields[section][name] = value_of(text)
    chosen = {*fields["training"], *(full_name(field).split(".")[1] for field in varied)}
    if learning_rate is not None or not chosen & {"optimizer", "learning_rate"}:
        fields["training"]["learning_rate"] = _RATE if learning_rate is None else learning_rate
    return Study(**fields, vary=varied, seeds=_SEEDS if seeds is None else seeds)  # type: ignore[arg-type]


def run(study: "Study", store: Path | None, scheduler: str | None) -> "Result":
    """The study's result; who interrupts it is told how to go on."""
    try:
        with bar("training") as progress:
            return study.run(store, scheduler, progress)
    except KeyboardInterrupt:
        kept = f"what was finished is in {store}: run the same command to go on" if store else "nothing is kept"
        fail("compare", f"interrupted; {kept}", FAILED)


def pieces(text: str) -> list[str]:
    """The values between commas, but for commas inside brackets.

    >>> pieces("normal(std=0.1),he,[16,16]")
    ['normal(std=0.1)', 'he', '[16,16]']
    """
    found, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [each.strip() for each in found]


def value_of(text: str) -> Any:
    """A number, a list, true, false or none as what it is, anything else as text.

    >>> value_of("0.1"), value_of("[16, 16]"), value_of("none"), value_of("relu")
    (0.1, [16, 16], None, 'relu')
    """
    known = {"none": None, "true": True, "false": False}
    if text.lower() in known:
        return known[text.lower()]
    try:
        return json_format.loads(text)
    except json_format.JSONDecodeError:
        return text


def _assignments(option: str, texts: list[str]) -> list[tuple[str, str]]:
    """Each field once."""
    found = list(map(_assignment, texts))
    names = [field for field, _ in found]
    for field in names:
        if names.count(field) > 1:
            raise ValueError(f"{option} {field} is given twice; put all its values behind one")
    return found


def _assignment(text: str) -> tuple[str, str]:
    field, equals, value = text.partition("=")
    if not equals or not value:
        raise ValueError(f"{text!r} is no assignment; expected FIELD=VALUE, such as init=he")
    return field.strip(), value


def _summary(result: "Result") -> list[Any]:
    """A table of settings."""
    from handgrad.experiments.words import in_words

    metric = result.main_metric
    grid = table(*(name.replace("_", " ") for name in result.factors), f"{metric.replace('_', ' ')}>", "diverged>")
    intervals = result.intervals()
    for setting in list(intervals)[:_MOST_ROWS]:
        grid.add_row(*setting, in_words(metric, intervals[setting]), str(result.diverged[setting] or ""))
    more = len(intervals) - _MOST_ROWS
    note = [f"... and {more} more settings; all are in runs.csv"] if more > 0 else []
    head = f"{len(intervals) * len(result.seeds):,} networks; means with {next(iter(intervals.values())).how}"
    return [head, grid, *note]
