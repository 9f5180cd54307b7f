"""The tour as one page that holds everything it shows, and opens without a network."""

import os
import platform
import tempfile
from pathlib import Path

import numpy as np

import handgrad
from handgrad.experiments import pictures
from handgrad.experiments.comparison import Progress, Result, Run
from handgrad.experiments.page import figure, page, paragraph, section, side_by_side, table, tiles
from handgrad.experiments.statistics import POWER
from handgrad.experiments.tour import PROOF_ROWS, Tour
from handgrad.experiments.words import conclusion, outlook, p_value, percent, points
from handgrad.gradcheck import Report

# What the course notebook prints: the loss after so many epochs, then training and test accuracy.
NOTEBOOK_EPOCHS = (200, 400, 600, 800, 1000)
NOTEBOOK_LOSS = (0.2782, 0.1790, 0.1101, 0.0989, 0.0958)
NOTEBOOK_ACCURACY = (0.9619, 0.9889)


def demo_report(tour: Tour, run: Run = map, progress: Progress = lambda done, total: None) -> str:
    """The whole page as text; the same tour always gives the same text. `run` and `progress` as for `take_tour`."""
    comparisons = run(_comparison, tour.results)  # an executor draws them while we draw the rest
    progress(0, len(tour.results))
    sections = [_notebook(tour), _digits(tour), _proofs(tour)]
    for done, each in enumerate(comparisons, start=1):
        sections.append(each)
        progress(done, len(tour.results))
    return page("handgrad demo", "\n".join([_head(tour), *sections, _method(tour), _foot()]))


def write_atomically(path: Path, text: str) -> None:
    """Write a file beside its place and move it there when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".partial")
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(partial, 0o644)  # mkstemp's file is its owner's alone
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _head(tour: Tour) -> str:
    entries = sum(check.entries for proof in tour.proofs.values() for check in proof.checks)
    worst = max(proof.max_relative_error for proof in tour.proofs.values())
    proved = all(proof.passed for proof in tour.proofs.values())
    links = [("notebook", "Notebook"), ("digits", "Digits"), ("proofs", "Proofs")]
    links += [(result.comparison.name, result.comparison.title) for result in tour.results] + [("method", "Method")]
    figures = [
        ("Notebook's network, moons", _percent(tour.notebook.test_accuracy), "test accuracy at seed 42"),
        ("64-100-10, digits", _percent(tour.digits.interval.value), f"mean test accuracy, {_seeds(tour)} seeds"),
        ("Gradients", "proved" if proved else "NOT proved", f"{entries:,} derivatives, relative error ≤ {worst:.0e}"),
        ("Comparisons", str(len(tour.results)), f"{tour.seeds} paired seeds for every setting"),
    ]
    navigation = "".join(f'<a href="#{anchor}">{title}</a>' for anchor, title in links)
    answers = [(result.comparison.question, conclusion(result)) for result in tour.results]
    return "\n".join(
        [
            "<header>",
            "<h1>Small networks, trained, proved and compared</h1>",
            paragraph("Computed on this machine by “handgrad demo”; every gradient is derived by hand.", "lead"),
            tiles(figures),
            table("What can be concluded, and what cannot yet", ["question", "answer"], answers, "ww"),
            f"<nav>{navigation}</nav>",
            "</header>",
        ]
    )


def _notebook(tour: Tour) -> str:
    notebook = tour.notebook
    losses = [f"{notebook.loss[epoch - 1]:.4f}" for epoch in NOTEBOOK_EPOCHS]
    rows = [
        ("notebook", *map("{:.4f}".format, NOTEBOOK_LOSS), *map(_percent, NOTEBOOK_ACCURACY)),
        ("handgrad", *losses, _percent(notebook.accuracy), _percent(notebook.test_accuracy)),
    ]
    head = ["", *(f"loss at {epoch}" for epoch in NOTEBOOK_EPOCHS), "training accuracy", "test accuracy"]
    loss, boundary = pictures.notebook_pictures(notebook)
    return section(
        "notebook",
        "The course notebook's network",
        paragraph(
            "A 2-10-2 network with relu on 300 points of two moons, 210 to train on: gradient descent on the full "
            "batch, rate 0.5, 1000 epochs, from the notebook's own starting weights. One seed, to be held against "
            "the notebook; what another seed would change is further down."
        ),
        table("What the notebook prints, and ours", head, rows, "l" + "r" * 7),
        side_by_side(
            figure(loss, "Loss on the training rows."),
            figure(boundary, "Its decisions; fuller colour is surer. Points: the test rows."),
        ),
    )


def _digits(tour: Tour) -> str:
    digits = tour.digits
    setting = digits.setting
    outputs, gradients = pictures.digits_layers(digits)
    return section(
        "digits",
        "Real digits",
        paragraph(
            f"1,797 handwritten digits of 8 × 8 pixels, 64-100-10 with relu, batches of {setting.batch_size}, rate "
            f"{setting.learning_rate:g}, {setting.epochs} epochs. Test accuracy over {_seeds(tour)} seeds, each with "
            f"its own split: {percent(digits.interval)}."
        ),
        side_by_side(
            figure(pictures.digits_loss(digits), "Loss as it ran: mean and 95 % interval over the seeds."),
            figure(pictures.digits_confusion(digits), "Seed 0: which digit was taken for which, on its test rows."),
        ),
        side_by_side(
            figure(outputs, "Seed 0 before training: what each layer puts out, on its test rows."),
            figure(gradients, "Seed 0 before training: the gradient that reaches each layer's output."),
        ),
    )


def _proofs(tour: Tour) -> str:
    return section(
        "proofs",
        "Proofs of the gradients",
        paragraph(
            "Each derivative that backpropagation gives is compared with a measured one: differences of the loss, each "
            "with its error bar, at the trained weights, for every parameter and the inputs. "
            f"Moons: all 210 training rows. Digits: {PROOF_ROWS} rows of seed 0."
        ),
        side_by_side(*(_proof(name, proof) for name, proof in tour.proofs.items())),
    )


def _proof(name: str, proof: Report) -> str:
    rows = [
        (
            check.name,
            "×".join(map(str, check.shape)),
            f"{check.entries:,}",
            f"{check.unjudged:,}",
            f"{check.relative_error:.1e}",
            check.verdict,
        )
        for check in proof.checks
    ]
    head = ["parameter", "shape", "entries", "not judged", "relative error", "verdict"]
    return table(f"{name.capitalize()}, where the loss is {proof.loss:.4f}", head, rows, "llrrrl")


def _comparison(result: Result) -> str:
    comparison = result.comparison
    outcomes = result.outcomes
    settings = [
        (name, percent(outcome.interval), *(_percent(end(outcome.accuracy)) for end in (np.min, np.max)))
        for name, outcome in outcomes.items()
    ]
    pairs = [
        (f"{pair.a} − {pair.b}", pair.verdict, points(pair.difference), p_value(pair.p), outlook(pair))
        for pair in (each if each.difference.value >= 0 else each.reversed() for each in result.pairs)
    ]
    diverged = [f"{outcome.diverged} of {name}" for name, outcome in outcomes.items() if outcome.diverged]
    return section(
        comparison.name,
        f"{comparison.title}: {comparison.question}",
        paragraph(conclusion(result), "conclusion"),
        side_by_side(
            table("Test accuracy", ["setting", "mean [95 % interval]", "worst seed", "best seed"], settings, "lrrr"),
            figure(pictures.intervals(result)),
        ),
        table(
            "Each pair, seed by seed",
            ["a − b", "a is", "difference in points", "p (Holm)", "to find out"],
            pairs,
            "llrrl",
        ),
        figure(pictures.curves(result), f"Training loss, mean and 95 % interval over {_count(result)} seeds."),
        figure(pictures.boundaries(result), "What seed 0's networks decide, on its test points."),
        paragraph(comparison.note, "note"),
        paragraph(f"Diverged, and measured where they stopped: {', '.join(diverged)}.", "note") if diverged else "",
    )


def _method(tour: Tour) -> str:
    outcome = next(iter(tour.results[0].outcomes.values()))
    setting = outcome.setting
    return section(
        "method",
        "Method",
        paragraph(
            f"Every setting of the comparisons was trained with the seeds 0 to {tour.seeds - 1} for {setting.epochs} "
            "epochs of gradient descent at rate 0.5. A seed decides the 300 points, their split (210 to train on, 90 "
            "to test on), the initial weights and the order of the batches, and is the same for all settings. One "
            "thing is varied at a time, around a 2-10-2 network with relu, he, full batches and no penalty."
        ),
        paragraph(
            f"Of means over the seeds: {outcome.interval.how}. Differences are taken seed by seed, each with its t "
            "interval, and tested with paired t tests; p values are Holm's, over all pairs of a comparison, at 5 % "
            "together. The interval of a difference is for that pair alone. Where the verdict is “cannot tell”, the "
            "last column says about how many seeds more would show a difference of the size seen, with a chance of "
            f"{100 * POWER:.0f} %; being built on the difference seen, it is a rough guide. All this holds for this "
            "task and these settings."
        ),
    )


def _foot() -> str:
    versions = f"handgrad {handgrad.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"
    return f"<footer>{versions}. The same command on the same machine gives this page again, to the byte.</footer>"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _seeds(tour: Tour) -> int:
    return len(tour.digits.seeds)


def _count(result: Result) -> int:
    return len(next(iter(result.outcomes.values())).seeds)
