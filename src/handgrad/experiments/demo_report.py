"""The tour as one page that holds everything it shows, and opens without a network."""

import platform

import numpy as np

import handgrad
from handgrad.experiments import pictures
from handgrad.experiments.page import figure, page, paragraph, section, side_by_side, table, tiles
from handgrad.experiments.sections import findings
from handgrad.experiments.statistics import POWER
from handgrad.experiments.study import Progress
from handgrad.experiments.tour import PROOF_ROWS, Answer, Tour
from handgrad.experiments.words import in_words
from handgrad.gradcheck import Report

# What the course notebook prints: the loss after so many epochs, then training and test accuracy.
NOTEBOOK_EPOCHS = (200, 400, 600, 800, 1000)
NOTEBOOK_LOSS = (0.2782, 0.1790, 0.1101, 0.0989, 0.0958)
NOTEBOOK_ACCURACY = (0.9619, 0.9889)


def demo_report(tour: Tour, progress: Progress = lambda done, total: None) -> str:
    """The whole page as text; the same tour always gives the same text. `progress` as for `take_tour`."""
    progress(0, len(tour.answers))
    sections = [_notebook(tour), _digits(tour), _proofs(tour)]
    for done, answer in enumerate(tour.answers, start=1):
        sections.append(_comparison(answer))
        progress(done, len(tour.answers))
    return page("handgrad demo", "\n".join([_head(tour), *sections, _method(tour), _foot()]))


def _head(tour: Tour) -> str:
    entries = sum(check.entries for proof in tour.proofs.values() for check in proof.checks)
    worst = max(proof.max_relative_error for proof in tour.proofs.values())
    proved = all(proof.passed for proof in tour.proofs.values())
    links = [("notebook", "Notebook"), ("digits", "Digits"), ("proofs", "Proofs")]
    links += [(each.comparison.name, each.comparison.title) for each in tour.answers] + [("method", "Method")]
    figures = [
        ("Notebook's network, moons", _percent(tour.notebook.test_accuracy), "test accuracy at seed 42"),
        ("64-100-10, digits", _percent(tour.digits.values()[()].mean()), f"mean test accuracy, {_seeds(tour)} seeds"),
        ("Gradients", "proved" if proved else "NOT proved", f"{entries:,} derivatives, relative error ≤ {worst:.0e}"),
        ("Comparisons", str(len(tour.answers)), f"{tour.seeds} paired seeds for every setting"),
    ]
    navigation = "".join(f'<a href="#{anchor}">{title}</a>' for anchor, title in links)
    answers = [(each.comparison.question, each.result.conclusion()) for each in tour.answers]
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
    digits, training = tour.digits, tour.digits.study.settings[()].training
    outputs, gradients = pictures.layers_at_start(digits)
    accuracy = in_words(digits.main_metric, digits.intervals()[()])
    return section(
        "digits",
        "Real digits",
        paragraph(
            f"1,797 handwritten digits of 8 × 8 pixels, 64-100-10 with relu, batches of {training.batch_size}, rate "
            f"{training.optimizer.learning_rate:g}, {training.epochs} epochs. Test accuracy over {_seeds(tour)} seeds, "
            f"each with its own split: {accuracy}."
        ),
        side_by_side(
            figure(
                pictures.learning_curves(digits, 5.6, 4.0), "Loss as it ran: mean and 95 % interval over the seeds."
            ),
            figure(pictures.confusion(digits), "Seed 0: which digit was taken for which, on its test rows."),
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


def _comparison(answer: Answer) -> str:
    comparison = answer.comparison
    title = f"{comparison.title}: {comparison.question}"
    return section(comparison.name, title, *findings(answer.result), paragraph(comparison.note, "note"))


def _method(tour: Tour) -> str:
    result = tour.answers[0].result
    epochs = next(iter(result.study.settings.values())).training.epochs
    how = next(iter(result.intervals().values())).how
    return section(
        "method",
        "Method",
        paragraph(
            f"Every setting of the comparisons was trained with the seeds 0 to {tour.seeds - 1} for {epochs} "
            "epochs of gradient descent at rate 0.5. A seed decides the 300 points, their split (210 to train on, 90 "
            "to test on), the initial weights and the order of the batches, and is the same for all settings. One "
            "thing is varied at a time, around a 2-10-2 network with relu, he, full batches and no penalty."
        ),
        paragraph(
            f"Of means over the seeds: {how}. Differences are taken seed by seed, each with its t "
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
