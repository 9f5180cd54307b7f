"""Mutated files, by the thousand: networks and checkpoints that were cut, flipped, and changed by one who means harm.

    python tests/fuzzing.py 100000 0      so many files, from this seed; prints what became of them, as JSON

Each file is either the same network (or, where the digest was made to fit, another one that is whole), or is refused
with a ValueError or OSError of bounded length. All of it runs under a limit on the process's memory.
"""

import copy
import json
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import handgrad as hg
from handgrad.files import container
from handgrad.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Residual
from handgrad.preprocessing import NumericColumn, Preprocessing, TextColumn
from handgrad.training.checkpoints import Checkpoints

ROOM = 2**28  # bytes of memory beyond what the process has when it begins
LONGEST = 2000  # characters of an error
NUMBERS = [-1, 0, 1, 2, 3, 2**31, 2**53, 2**63, 2**64, 10**400, -(10**400), 1e308, -0.0, 5e-324, 0.5]
TEXTS = ["", "relu", "Dense", "Residual", "__import__('os')", "\ud800", "x" * 10**5, "F64", "F16", "I64", "BOOL"]
LISTS = [[], [[]], [0] * 1000, [[[[[[[[]]]]]]]], [0, 0], [0, 2**63], [8, 0], [2**32, 2**32], [1] * 40]
OBJECTS = [{}, {"": {}}, {"kind": "Dense"}]
OTHERS = [None, True, False, float("nan"), float("inf"), float("-inf")]
EXTREMES = [*NUMBERS, *TEXTS, *LISTS, *OBJECTS, *OTHERS]


# --- the files --------------------------------------------------------------------------------------------------------


def networks(folder):
    """A network of every layer, and a stack."""
    body = [Residual([Residual([Dense(4, 4), Dropout(0.5)]), BatchNorm(4), Activation("tanh")]), Dense(4, 3)]
    single = hg.Network([*body, LayerNorm(3), Activation("leaky_relu(slope=0.3)"), Dense(3, 2)], l2=0.1, seed=7)
    single.preprocessing = Preprocessing(
        (NumericColumn("age", 1 / 3, 0.1), TextColumn("wär", ("a", "b"))), "y", ("n", "m")
    )
    stack = hg.Network.mlp([4, 3, 2], norm="batch", init=["lsuv", "zeros"], l2=[0.1, 0.0], seed=[8, 9], dtype="float32")
    for number, net in enumerate((single, stack)):
        hg.save(net, folder / f"net{number}")
        yield (folder / f"net{number}").read_bytes(), read_network, net


def trainings(folder):
    """Checkpoints with all that a training can remember, of a network and of a stack."""
    X, y = hg.datasets.moons(n=20, seed=0)
    for number, seed in enumerate((3, [4, 5])):
        net = hg.Network.mlp([2, 4, 2], norm="batch", seed=seed)
        judged = {"validation": (X, y), "metrics": ("accuracy",), "stop": hg.EarlyStopping(50)}
        how = {"epochs": 5, "engine": "numpy", "optimizer": hg.Adam(), "schedule": "reduce_on_plateau", **judged}
        training = hg.Training(net, X, y, checkpoint=folder / f"run{number}", **how)
        training.run()
        yield (folder / f"run{number}").read_bytes(), read_checkpoint, training


def read_network(path, net):
    """What `load` gives: its bits."""
    again = hg.load(path)
    return b"".join(np.ascontiguousarray(each).tobytes() for each in (again.params, again.state)) + repr(again).encode()


def read_checkpoint(path, training):
    """What a training takes up from it: its bits."""
    Checkpoints(path, 1, training)
    columns = [np.asarray(each, dtype=float).tobytes() for each in training.history.columns.values()]
    kept = training.net.params, training.net.state, training.engine.slots, training.best.params, training.plateau
    return b"".join([*(each.tobytes() for each in kept), *columns, str((training.epoch, training.step)).encode()])


# --- the mutations ----------------------------------------------------------------------------------------------------


def flipped(draw, content):
    """A few bytes changed."""
    content = bytearray(content)
    for _ in range(draw.choice([1, 1, 1, 2, 8])):
        content[draw.randrange(len(content))] ^= draw.randrange(1, 256)
    return bytes(content)


def cut(draw, content):
    """Its beginning, or with something more at the end."""
    if draw.random() < 0.8:
        return content[: draw.randrange(len(content))]
    return content + draw.randbytes(draw.randrange(1, 100))


def spliced(draw, content):
    """A piece of it put over another, or left out."""
    here, there, length = (draw.randrange(len(content)) for _ in range(3))
    length %= 200
    if draw.random() < 0.5:
        return content[:here] + content[here + length :]
    return (content[:here] + content[there : there + length] + content[here + length :])[: len(content)]


def reheaded(draw, content):
    """The header of safetensors with a value changed, a key lost or a key twice, and a length that fits."""
    header, rest = apart(content)
    change(draw, header)
    return together(header, rest, draw.random() < 0.2)


def redescribed(draw, content):
    """Our description with values changed; its digest no longer fits."""
    header, rest = apart(content)
    metadata = header["__metadata__"]
    (kind,) = metadata
    description = json.loads(metadata[kind])
    for _ in range(draw.choice([1, 1, 2])):
        change(draw, description)
    text = json.dumps(description)
    if draw.random() < 0.1:
        text = text.replace("{", '{"seed": 0, "seed": 1, ', 1)
    metadata[kind] = text
    return together(header, rest)


def forged(draw, content):
    """Description or tensors changed, with a digest that fits."""
    header, rest = apart(content)
    (kind,) = header["__metadata__"]
    description = json.loads(header["__metadata__"][kind])
    del description["sha256"]
    tensors = {
        name: np.frombuffer(rest[slice(*each["data_offsets"])], TYPES[each["dtype"]]).reshape(each["shape"]).copy()
        for name, each in header.items()
        if name != "__metadata__"
    }
    if draw.random() < 0.7:
        change(draw, description)
    else:
        bend(draw, tensors)
    try:
        return container.pack(description, tensors, kind)
    except (ValueError, TypeError, OverflowError):  # JSON without NaN: no such file can be written
        return redescribed(draw, content)


TYPES = {"F64": np.float64, "F32": np.float32, "I64": np.int64, "BOOL": np.bool_}
MUTATIONS = [flipped, cut, spliced, reheaded, redescribed, forged]


def bend(draw, tensors):
    """A tensor with an odd value, of another shape or type, one lost or one more."""
    name = draw.choice(sorted(tensors))
    tensor = tensors[name]
    turn = draw.randrange(5)
    if turn == 0 and tensor.size:
        odd = [np.nan, np.inf, -1, 0, 1e300, 2**62] if tensor.dtype.kind == "f" else [0, 1, -1, 2**31]
        with np.errstate(all="ignore"):
            tensor.reshape(-1)[draw.randrange(tensor.size)] = np.array(draw.choice(odd)).astype(tensor.dtype)
    elif turn == 1:
        tensors[name] = tensor.reshape(-1)
    elif turn == 2:
        tensors[name] = tensor.astype(draw.choice([np.float16, np.float32, np.int64, np.bool_]), casting="unsafe")
    elif turn == 3:
        del tensors[name]
    else:
        tensors |= {f"more{number}": tensor for number in range(draw.choice([1, 1000]))}


def places(value):
    """Every list or object in a tree with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def change(draw, tree):
    """One value somewhere in the tree becomes an extreme one, or another's, or goes."""
    everywhere = list(places(tree))
    if not everywhere:
        return
    owner, key = draw.choice(everywhere)
    turn = draw.random()
    if turn < 0.75:
        owner[key] = copy.deepcopy(draw.choice(EXTREMES))
    elif turn < 0.9:
        other, there = draw.choice(everywhere)
        owner[key] = json.loads(json.dumps(other[there]))
    else:
        del owner[key]


def apart(content):
    """The header, and the bytes after it."""
    start = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:start]), content[start:]


def together(header, rest, twice=False):
    """A file of this header, perhaps with its first key twice."""
    text = json.dumps(header)
    if twice and len(header) > 1:
        text = text[:-1] + ", " + json.dumps(dict([next(iter(header.items()))]))[1:]
    encoded = text.encode()
    return len(encoded).to_bytes(8, "little") + encoded + rest


# --- what becomes of them ---------------------------------------------------------------------------------------------


def fuzz(count, seed):
    """So many mutated files: outcomes by mutation, the longest error, the slowest file in seconds."""
    draw, outcomes, longest, slowest = random.Random(seed), Counter(), 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        sources = [*networks(Path(folder)), *trainings(Path(folder))]
        place = Path(folder, "mutated")
        good = []
        for content, read, what in sources:
            place.write_bytes(content)
            good.append(read(place, what))
        states = [what.state_dict() if isinstance(what, hg.Training) else None for *_, what in sources]
        for _ in range(count):
            which, mutation = draw.randrange(len(sources)), draw.choice(MUTATIONS)
            content, read, what = sources[which]
            place.write_bytes(mutation(draw, content))
            began = time.perf_counter()
            try:
                same = read(place, what) == good[which]
                outcome = "same" if same else "other"
            except (ValueError, OSError) as refused:
                outcome = "refused"
                longest = max(longest, len(str(refused)))
            slowest = max(slowest, time.perf_counter() - began)
            outcomes[f"{mutation.__name__}: {outcome}"] += 1
            assert outcome != "other" or mutation is forged, place.read_bytes()
            if outcome == "other" and isinstance(what, hg.Training):  # it was taken up: back to the good one
                what.load_state_dict(states[which])
    return dict(sorted(outcomes.items())), longest, slowest


def limit_memory():
    """Room for so much more and no more; gives the address space now."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    now = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, now + ROOM))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    """Fuzz under a limit on memory, and print the figures."""
    import resource

    warnings.simplefilter("error")
    fuzz(50, 0)  # all that is imported when first used
    before = limit_memory()
    began = time.perf_counter()
    outcomes, longest, slowest = fuzz(int(sys.argv[1]), int(sys.argv[2]))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        json.dumps(
            {
                "files": sum(outcomes.values()),
                "seconds": round(time.perf_counter() - began, 1),
                "outcomes": outcomes,
                "longest_error": longest,
                "slowest_file_seconds": round(slowest, 4),
                "peak_memory_grew_kilobytes": grown,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
