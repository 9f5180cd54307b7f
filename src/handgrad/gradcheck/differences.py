"""Numeric derivatives, each with an error bar.

First a quick measurement with one step h (a shorter one where that disagrees), of fourth order:

    f'(x) ≈ [8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))] / 12h

It errs by h⁴ f⁽⁵⁾ / 30 and by rounding, 1.5 ε / h with ε the noise of f. Where that agrees with what is expected, two
independent ways have met and nothing more is needed. Where it does not, or is too coarse, the *ladder* decides: central
differences at steps that shrink by four, extrapolated to h = 0 by Richardson's rule (1911), where the answer is the
one whose error bar is smallest (Ridders 1982), and a pair of finer steps must not contradict it.
"""

from typing import NamedTuple

import numpy as np

from handgrad.arrays import Array
from handgrad.gradcheck.noise import rounding
from handgrad.gradcheck.variables import CROSSED, LEFT, Lines, look

SAFETY = 4  # error bars are this many times the rounding to expect
_SETTLED = 1e-3  # relative: how close the slopes at the shortest steps must be
_ODD = 43 / 32
QUICK_STEPS = (1e-3, 1e-4)  # of the scale: where the quick formula is best, and one that meets fewer kinks
DIRECTION_STEPS = (1e-3, 1e-5, 1e-6, 1e-7)  # along which every unit moves, and some soon meet a kink
_OFFSETS = np.array([-2.0, -1.0, 1.0, 2.0])
_WEIGHTS = np.array([1.0, -8.0, 8.0, -1.0]) / 12
_SHRINK = 4  # from one step of the ladder to the next
_LARGEST, _SMALLEST = 0.25, 1e-8  # steps of the ladder, of the larger and the smaller of the scale and 1
_INSIDE = 1e-3  # of an entry's own size: a step that log x can take
_MOST = 200  # rungs
_ORDERS = 3  # of extrapolation


class Slopes(NamedTuple):
    """Measured slopes (n,) with their error bars; a bar is infinite where nothing could be measured."""

    values: Array
    bars: Array


class Climbed(NamedTuple):
    """What the ladder gives for each line: the central slope, the two one-sided ones, and where x lies on a kink."""

    central: Slopes
    left: Slopes
    right: Slopes
    on_kink: Array


def quick_slopes(lines: Lines, step: float, noise: float) -> Slopes:
    """The fourth-order difference on each line with a step of that size; no bar where x itself may be a kink."""
    h = _exact(step * lines.scale)
    values = look(lines, _OFFSETS[:, None] * h).values  # (4, n)
    slopes = (_WEIGHTS @ values) / h
    error = rounding(np.abs(values).max(axis=0), noise, lines.variable.made_of) / h
    fine = np.isfinite(slopes) & ~_bent(values - lines.variable.value, h, error)
    return Slopes(np.where(fine, slopes, np.nan), np.where(fine, SAFETY * 1.5 * error, np.inf))


def _bent(rises: Array, h: Array, error: Array) -> Array:
    """Whether the one-sided slopes at x differ by as much over one step as over two: a kink, where f'' doubles it."""
    gap, gap2 = np.abs(rises[1] + rises[2]) / h, np.abs(rises[0] + rises[3]) / (2 * h)
    return (gap > SAFETY * 4 * error) & (gap2 < 1.5 * gap)


def climb(lines: Lines, noise: float) -> Climbed:
    """The ladder on each line."""
    value = lines.variable.value
    scale = lines.scale
    top = _LARGEST * np.maximum(1, scale)
    bottom = np.minimum(_SMALLEST * np.minimum(1, scale), _INSIDE * lines.own_size)
    ratio = np.log(np.max(top)) - np.log(max(np.min(bottom), np.finfo(np.float64).tiny))
    rungs = min(int(np.ceil(ratio / np.log(_SHRINK))) + 1, _MOST)
    h = _exact(top * float(_SHRINK) ** -np.arange(rungs)[:, None])  # (K, n)
    seen = look(lines, np.concatenate([h, -h]), watch=True)
    near = np.where(seen.kinks > CROSSED, seen.values, np.nan)
    up, down = near[:rungs], near[rungs:]
    error = rounding(np.fmax(np.fmax(np.abs(up), np.abs(down)), abs(value)), noise, lines.variable.made_of)
    on_kink = (seen.kinks[:rungs] == LEFT) | (seen.kinks[rungs:] == LEFT)
    return Climbed(
        extrapolate(np.where(on_kink, np.nan, (up - down) / (2 * h)), error / h, _SHRINK**2),
        extrapolate((value - down) / h, 2 * error / h, _SHRINK),
        extrapolate((up - value) / h, 2 * error / h, _SHRINK),
        on_kink.any(axis=0),
    )


def extrapolate(slopes: Array, errors: Array, base: int) -> Slopes:
    """Richardson's tableau over steps (K, n) with their rounding errors, and its most trustworthy entry (n,).

    The error of a slope is a series whose terms shrink by base, base², ... from one step to the next; each order of
    extrapolation removes one term, and how far that moved the value is the error bar of the result. Long steps may
    agree with each other because they step over something; so every entry is held against all finer pairs of steps.
    """
    best = Slopes(np.full(slopes.shape[1], np.nan), np.full(slopes.shape[1], np.inf))
    unsettled = _unsettled(slopes, errors)
    pairs = None
    for order in range(1, min(_ORDERS, len(slopes) - 1) + 1):
        factor = 1 / (base**order - 1)
        better = slopes[1:] + factor * (slopes[1:] - slopes[:-1])
        errors = (1 + factor) * errors[1:] + factor * errors[:-1]
        bars = np.maximum(np.abs(better - slopes[1:]), np.abs(better - slopes[:-1])) + SAFETY * errors
        pairs = Slopes(better, SAFETY * errors) if pairs is None else pairs
        bars = _contradicted(Slopes(better, bars), pairs, order + 1)
        row, columns = bars.argmin(axis=0), np.arange(bars.shape[1])
        improved = bars[row, columns] < best.bars
        best = Slopes(
            np.where(improved, better[row, columns], best.values), np.where(improved, bars[row, columns], best.bars)
        )
        slopes = better
    return Slopes(best.values, np.where(unsettled, np.inf, best.bars))


def _unsettled(slopes: Array, errors: Array) -> Array:
    """Where even the two shortest steps disagree by more than rounding: the function bends within them."""
    last, before = slopes[-1], slopes[-2:][0]
    allowed = 4 * SAFETY * errors[-1] + _SETTLED * np.maximum(np.abs(last), np.abs(before))
    return np.abs(last - before) > allowed  # never so where either is not finite


def _contradicted(entries: Slopes, pairs: Slopes, used: int) -> Array:
    """The bars of a tableau's entries (k, n), each of which `used` so many steps, widened by what finer pairs say."""
    bars = np.where(np.isfinite(entries.bars), entries.bars, np.inf)
    widened = bars.copy()
    for finer in range(used, len(pairs.values)):
        coarser = slice(0, finer - used + 1)
        apart = np.abs(entries.values[coarser] - pairs.values[finer])
        against = apart > bars[coarser] + pairs.bars[finer]  # never so where either is not finite
        widened[coarser] = np.where(against, np.maximum(widened[coarser], apart), widened[coarser])
    return widened


def _exact(h: Array) -> Array:
    """Steps nearby of few binary digits, for moving by them costs x the fewest; no powers of two, whose multiples
    would miss whatever has such a period.
    """
    return np.asarray(_ODD * 2.0 ** np.round(np.log2(np.maximum(h, np.finfo(np.float64).tiny) / _ODD)))
