"""Kernels of what is not elementwise in one number: dropout, the norms, and softmax with cross-entropy.

`handgrad.layers` and `handgrad.losses` hold the same mathematics to be read; the tests prove both equal. Here values
lie feature-major, (units, rows), each function does units start to stop, and constants are made by `T`, which stands
for the dtype. The names of NumPy's functions stand for our own when this is compiled.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy import exp, log, sqrt

from handgrad import randomness
from handgrad.compiled.native import Numbers

T: Any = np.float64
mix = njit(randomness._mix)
GOLDEN = randomness._GOLDEN


def dropout_forward(
    A: Numbers,
    Y: Numbers,
    M: Numbers,
    own: Numbers,
    state: Numbers,
    p: Numbers,
    key: int,
    threshold: int,
    units: int,
    start: int,
    stop: int,
    rows: int,
    training: int,
) -> None:
    """Y = A ⊙ M, with M 0 where the bits of (row, unit) lie below the threshold, else 1 / (1 - rate)."""
    kept = T(1) / (T(1) - p[0])
    for u in range(start, stop):
        for r in range(rows):
            counter = np.uint64(r * units + u + 1)
            bits = mix(np.uint64(key) + counter * GOLDEN)
            i = u * rows + r
            M[i] = (kept if bits >= np.uint64(threshold) else T(0)) if training else T(1)
            Y[i] = A[i] * M[i]


def dropout_backward(
    A: Numbers,
    Y: Numbers,
    M: Numbers,
    D: Numbers,
    own: Numbers,
    gradient: Numbers,
    p: Numbers,
    key: int,
    threshold: int,
    units: int,
    start: int,
    stop: int,
    rows: int,
) -> None:
    """dA = dY ⊙ M."""
    for i in range(start * rows, stop * rows):
        D[i] = D[i] * M[i]


def batchnorm_forward(
    A: Numbers,
    Y: Numbers,
    normed: Numbers,
    own: Numbers,
    state: Numbers,
    p: Numbers,
    key: int,
    _: int,
    units: int,
    start: int,
    stop: int,
    rows: int,
    training: int,
) -> None:
    """Y = gain ⊙ (A - μ) / σ + shift; training 0: by the running statistics, 2: which also move.

    own: gain, shift; state: mean, variance; p: epsilon, momentum; after `normed` come the deviations.
    """
    for u in range(start, stop):
        begin, end = u * rows, (u + 1) * rows
        mean, variance = state[u], state[units + u]
        if training:
            total = T(0)
            for i in range(begin, end):
                total += A[i]
            mean = total / T(rows)
            total = T(0)
            for i in range(begin, end):
                total += (A[i] - mean) * (A[i] - mean)
            variance = total / T(rows)
        deviation = sqrt(variance + p[0])
        normed[units * rows + u] = deviation
        gain, shift = own[u], own[units + u]
        for i in range(begin, end):
            normed[i] = (A[i] - mean) / deviation
            Y[i] = gain * normed[i] + shift
        if training == 2 and rows > 1:
            fresh = T(1) - p[1]
            state[u] = p[1] * state[u] + fresh * mean
            state[units + u] = p[1] * state[units + u] + fresh * variance * (T(rows) / T(rows - 1))


def batchnorm_backward(
    A: Numbers,
    Y: Numbers,
    normed: Numbers,
    D: Numbers,
    own: Numbers,
    gradient: Numbers,
    p: Numbers,
    key: int,
    _: int,
    units: int,
    start: int,
    stop: int,
    rows: int,
) -> None:
    """dA = (dN - mean(dN) - N mean(dN ⊙ N)) / σ, with dN = dY ⊙ gain."""
    for u in range(start, stop):
        along, total = T(0), T(0)
        for i in range(u * rows, (u + 1) * rows):
            along += D[i] * normed[i]
            total += D[i]
        gradient[u], gradient[units + u] = along, total
        scale = own[u] / normed[units * rows + u]
        along, total = along / T(rows), total / T(rows)
        for i in range(u * rows, (u + 1) * rows):
            D[i] = (D[i] - total - normed[i] * along) * scale


def layernorm_forward(
    A: Numbers,
    Y: Numbers,
    normed: Numbers,
    own: Numbers,
    state: Numbers,
    p: Numbers,
    key: int,
    _: int,
    units: int,
    start: int,
    stop: int,
    rows: int,
    training: int,
) -> None:
    """Y = gain ⊙ (A - μ) / σ + shift over the units of each row; after `normed` come the means and the deviations."""
    means, deviations = units * rows, (units + 1) * rows
    for r in range(rows):
        normed[means + r], normed[deviations + r] = T(0), T(0)
    for u in range(units):
        for r in range(rows):
            normed[means + r] += A[u * rows + r]
    for r in range(rows):
        normed[means + r] /= T(units)
    for u in range(units):
        for r in range(rows):
            centred = A[u * rows + r] - normed[means + r]
            normed[u * rows + r] = centred
            normed[deviations + r] += centred * centred
    for r in range(rows):
        normed[deviations + r] = sqrt(normed[deviations + r] / T(units) + p[0])
    for u in range(units):
        gain, shift = own[u], own[units + u]
        for r in range(rows):
            normed[u * rows + r] /= normed[deviations + r]
            Y[u * rows + r] = gain * normed[u * rows + r] + shift


def layernorm_backward(
    A: Numbers,
    Y: Numbers,
    normed: Numbers,
    D: Numbers,
    own: Numbers,
    gradient: Numbers,
    p: Numbers,
    key: int,
    _: int,
    units: int,
    start: int,
    stop: int,
    rows: int,
) -> None:
    """As in batch norm with means over the units of each row."""
    totals, deviations, alongs = units * rows, (units + 1) * rows, (units + 2) * rows
    for r in range(rows):
        normed[totals + r], normed[alongs + r] = T(0), T(0)
    for u in range(units):
        gain, by_gain, by_shift = own[u], T(0), T(0)
        for r in range(rows):
            i = u * rows + r
            by_gain += D[i] * normed[i]
            by_shift += D[i]
            D[i] *= gain
            normed[totals + r] += D[i]
            normed[alongs + r] += D[i] * normed[i]
        gradient[u], gradient[units + u] = by_gain, by_shift
    for u in range(units):
        for r in range(rows):
            i = u * rows + r
            mean, along = normed[totals + r] / T(units), normed[alongs + r] / T(units)
            D[i] = (D[i] - mean - normed[i] * along) / normed[deviations + r]


def softmax_cross_entropy(
    Z: Numbers, target: Numbers, shares: Numbers, D: Numbers, scratch: Numbers, p: Numbers, units: int, rows: int
) -> float:
    """The weighted mean of -Σⱼ tⱼ log pⱼ with p = softmax(z), and its derivative p - t."""
    largest, totals, dot = 0, rows, 2 * rows
    for r in range(rows):
        scratch[largest + r] = Z[r]
        scratch[totals + r] = T(0)
        scratch[dot + r] = T(0)
    for u in range(1, units):
        for r in range(rows):
            scratch[largest + r] = max(scratch[largest + r], Z[u * rows + r])
    for u in range(units):
        for r in range(rows):
            i = u * rows + r
            shifted = Z[i] - scratch[largest + r]
            D[i] = exp(shifted)
            scratch[totals + r] += D[i]
            scratch[dot + r] += target[i] * shifted
    loss = T(0)
    for r in range(rows):
        loss += shares[r] * (log(scratch[totals + r]) - scratch[dot + r])
        scratch[totals + r] = T(1) / scratch[totals + r]
    for u in range(units):
        for r in range(rows):
            i = u * rows + r
            D[i] = (D[i] * scratch[totals + r] - target[i]) * shares[r]
    return loss
