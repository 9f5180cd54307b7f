"""The illnesses: each a function that yields a symptom where it shows, and a row in the register at the end.

Limits are set wide of what healthy trainings show, so that a finding is worth a look.
"""

from collections.abc import Iterator

import numpy as np

from handgrad.health.case import Case, Illness, Symptom, after, percent

STEEP = 1e3  # how much the gradient may grow or fade from the last layer to the first
FLAT_SHARE = 0.9  # of units and rows in the flat part of an activation; ReLU is off at half of them in health
ALIVE = 1e-3  # of Σ ‖dW‖ ‖W‖ over the loss: the share that the loss falls by when weights move by their own size
WILD = 0.1  # of all epochs
STILL = 1e-3  # of their size, that weights moved in the whole training


def diverged(case: Case) -> Iterator[Symptom]:
    """Training ended with a loss or an update that was not finite."""
    if case.diverged is not None:
        yield Symptom(None, case.diverged)


def exploding_gradients(case: Case) -> Iterator[Symptom]:
    """The gradient grows by a factor of 1000 or more on its way from the last hidden layer to the first."""
    for sample in case.samples:
        ends, growth = case.ends(sample.signals), case.growth(sample.signals)
        if ends and growth > STEEP:
            here, there = (each.layer for each in ends)
            yield Symptom(here, f"{after(sample)} the gradient is {growth:.2g} times as large here as at {there}")
            return


def vanishing_gradients(case: Case) -> Iterator[Symptom]:
    """The gradient shrinks by a factor of 1000 or more, before training and still at the end; no layer is dead."""
    ends, start, end = case.ends(case.end), case.growth(case.start), case.growth(case.end)
    if ends and max(start, end) < 1 / STEEP and not case.dead(case.start) and not case.dead(case.end):
        here, there = (each.layer for each in ends)
        yield Symptom(here, f"{after(case.samples[-1])} the gradient is {end:.2g} times what it is at {there}")


def zero_weights(case: Case) -> Iterator[Symptom]:
    """All weights of a layer before the last are zero before training: its units cannot become different."""
    weighted = [each for each in case.start.layers if each.weight is not None]
    for each in weighted[:-1]:
        if each.weight == 0:
            yield Symptom(each.layer, f"all weights are zero {after(case.samples[0])}, so all units are alike")


def dead_units(case: Case) -> Iterator[Symptom]:
    """Over half of a layer's units give the same or pass back nothing on all rows; of one that learned, four fifths."""
    for each in case.dead(case.end) if not any(zero_weights(case)) else ():
        if case.learned and each.dead <= 0.8:
            continue
        dead = round(each.dead * each.units)
        when = after(case.samples[-1])
        yield Symptom(each.layer, f"{dead} of {each.units} units are dead on all {case.end.rows} rows {when}")


def saturated_units(case: Case) -> Iterator[Symptom]:
    """Nine tenths of units and rows are in the flat part of the activation, before training or at the end."""
    dead = {each.layer for sample in (case.start, case.end) for each in case.dead(sample)}
    for before, now in zip(case.activations(case.start), case.activations(case.end), strict=True):
        worst, sample = max((before.saturated, case.samples[0]), (now.saturated, case.samples[-1]), key=lambda p: p[0])
        if worst > FLAT_SHARE and now.layer not in dead:
            evidence = f"{percent(worst)} of units and rows are in the flat part of the activation {after(sample)}"
            yield Symptom(now.layer, evidence)


def learning_rate_too_high(case: Case) -> Iterator[Symptom]:
    """In a tenth of the epochs or more the loss is above 1.2 times what it was before training and what chance has."""
    reference = max(case.objective_at_start, case.start.chance)
    if not len(case.loss) or not reference > 0:
        return
    above = float(np.mean(case.loss > 1.2 * reference))
    if above >= WILD:
        highest, epoch = float(case.loss.max()), int(case.loss.argmax()) + 1
        evidence = f"the loss was above {reference:.3g}, what it was before training, in {percent(above)} of the epochs"
        yield Symptom(None, f"{evidence}, up to {highest:.3g} in epoch {epoch}")


def learning_rate_too_low(case: Case) -> Iterator[Symptom]:
    """Weights and loss hardly moved, though the gradient is alive and there is something to learn."""
    if case.diverged is not None or len(case.samples) < 2 or case.end.data_loss < 0.3 * case.end.chance:
        return
    moved = np.nanmax([0.0, *case.samples[-1].moved.values()])
    fallen = 1 - case.end.data_loss / case.start.data_loss if case.start.data_loss > 0 else 0.0
    pull = sum(each.weight_gradient * each.weight for each in case.start.layers if each.weight is not None)
    if moved < STILL and abs(fallen) < 0.02 and pull > ALIVE * case.start.data_loss:
        epochs = case.samples[-1].epoch
        evidence = f"in {epochs} epochs no layer's weights moved by more than {moved:.1g} of their size, and the loss "
        yield Symptom(None, evidence + f"went from {case.start.data_loss:.4g} to {case.end.data_loss:.4g}")


def loss_above_chance(case: Case) -> Iterator[Symptom]:
    """Before training the data loss is five times that of the best constant prediction or more; for values, thirty.

    Of rare classes that prediction is good, and no network begins with it: there five times log C counts.
    """
    chance, limit = case.start.chance, 5 if case.targets is None else 30
    even = np.log(max(2, case.start.layers[-1].units)) if case.targets is None else 0.0
    if chance > 0 and case.start.data_loss > limit * max(chance, even):
        yield Symptom(
            None, f"the data loss is {case.start.data_loss:.3g} {after(case.samples[0])}, chance {chance:.3g}"
        )


def targets_out_of_scale(case: Case) -> Iterator[Symptom]:
    """Targets vary by thirty or more, or a thirtieth or less, and the network's outputs do not."""
    if case.targets is None or case.learned:
        return
    spread, outputs = float(case.targets.std()), float(np.sqrt(case.start.layers[-1].variance))
    large, small = spread > 30 and spread > 30 * outputs, 0 < spread < 1 / 30 and outputs > 30 * spread
    if large or small:
        yield Symptom(None, f"targets vary by {spread:.3g} (sd), outputs by {outputs:.3g} {after(case.samples[0])}")


def penalty_dominates(case: Case) -> Iterator[Symptom]:
    """The data loss is near chance, and the penalty was over half of the objective or shrank all weights tenfold."""
    share = max(sample.signals.penalty_share for sample in case.samples)
    weights = [(a.weight, b.weight) for a, b in zip(case.start.layers, case.end.layers, strict=True) if a.weight]
    shrunk = share > 0 and weights and all(now < 0.1 * before for before, now in weights)
    if case.learned or not (share > 0.5 or shrunk):
        return
    evidence = f"the penalty was up to {percent(share)} of the objective"
    if shrunk:
        evidence += f", and weights shrank to {percent(max(now / before for before, now in weights))} of their size"
    yield Symptom(None, f"{evidence}; the data loss is {case.end.data_loss:.3g}, chance {case.end.chance:.3g}")


def overfitting(case: Case) -> Iterator[Symptom]:
    """The validation loss rose to twice its lowest, or 1.5 times and above chance; the training loss fell meanwhile."""
    if not len(case.validation) == len(case.loss) >= 5:
        return
    tail = max(3, len(case.validation) // 10)
    now, loss = (float(np.median(curve[-tail:])) for curve in (case.validation, case.loss))
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(case.validation, 5), axis=-1)  # one lucky epoch is none
    best, chance = int(smooth.argmin()) + 2, float(case.start.chance)
    lowest = float(smooth.min())
    risen = now > 2 * lowest or (now > chance and now > 1.5 * lowest)
    fell = loss < min(0.7 * now, float(np.median(case.loss[best - 2 : best + 3])))
    if risen and fell and now - lowest > 0.25 * abs(chance):
        evidence = f"the validation loss was {lowest:.3g} around epoch {best + 1} and is {now:.3g} now"
        yield Symptom(None, f"{evidence}, the training loss {loss:.3g}")


ILLNESSES: tuple[Illness, ...] = (  # causes before what may follow from them
    Illness("zero-weights", zero_weights, "init='he_normal'"),
    Illness("exploding-gradients", exploding_gradients, "smaller first weights: init='he_normal'"),
    Illness("vanishing-gradients", vanishing_gradients, "activation='relu' with init='he_normal'"),
    Illness("targets-out-of-scale", targets_out_of_scale, "standardising the targets"),
    Illness("loss-above-chance", loss_above_chance, "standardising the inputs, and the targets if they are values"),
    Illness("penalty-dominates", penalty_dominates, "a hundredth of the l2"),
    Illness("learning-rate-too-high", learning_rate_too_high, "a tenth of the learning rate"),
    Illness("learning-rate-too-low", learning_rate_too_low, "a hundred times the learning rate"),
    Illness("diverged", diverged, "a tenth of the learning rate"),
    Illness("dead-units", dead_units, "activation='leaky_relu'"),
    Illness("saturated-units", saturated_units, "smaller first weights: init='glorot_normal'"),
    Illness("overfitting", overfitting, "stop=EarlyStopping(patience=10)"),
)
