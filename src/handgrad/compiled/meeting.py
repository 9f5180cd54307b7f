"""What the engine and its passes share: where threads meet, and how random keys are made."""

import numpy as np

from handgrad.compiled import jobs
from handgrad.compiled.layers import GOLDEN, mix
from handgrad.compiled.pointers import add_atomically, ahead, call, compiled, pointer, read_atomically

SPINS = 2000  # looks at a barrier before the core is offered to others


@compiled
def fold(key, number):  # type: ignore[no-untyped-def]
    """A new key from a key and a number, as in `handgrad.randomness`."""
    return mix(np.uint64(key) + (np.uint64(number) + np.uint64(1)) * GOLDEN)


@compiled
def barrier(job, me, threads):  # type: ignore[no-untyped-def]
    """Wait until all threads are here."""
    if threads == 1:
        return
    arrived = pointer(job[jobs.TEAM], np.int64(0))
    mine = ahead(arrived, (1 + me) * jobs.TEAM_SIZE)
    mine[0] += threads
    add_atomically(arrived, 1)
    looks = 0
    while read_atomically(arrived) < mine[0]:
        looks += 1
        if looks > SPINS:
            call(job[jobs.YIELD], ())
