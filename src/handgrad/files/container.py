"""The container: a description as JSON and tensors in one safetensors file, with a digest of both."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.numpy import save

from handgrad.arrays import Array, require_integer

SCHEMA = 1  # goes up whenever an older handgrad could not read what this one writes
ENVELOPE = ("format", "schema", "sha256")  # the keys that are added around what describes the network
NETWORK, CHECKPOINT = "network", "checkpoint"  # what a file holds is the name of its one entry of metadata: safetensors
# writes several in random order, and equal networks make equal files

_FORMAT = "handgrad"
_LONGEST = 2**24  # characters of JSON
_MOST = 2**21  # values in it: as Python objects each takes up to a hundred bytes
_HEADER = 2**26  # bytes before the tensors, that is JSON inside JSON


def pack(description: Mapping[str, Any], tensors: Mapping[str, Array], kind: str = NETWORK) -> bytes:
    """The bytes of the file."""
    content = {"format": _FORMAT, "schema": SCHEMA, **description}
    text = _to_json({**content, "sha256": _digest(content, tensors)})
    if len(text) > _LONGEST or _values(text) > _MOST:
        raise ValueError(
            f"net takes {len(text):,} characters and {_values(text):,} values to describe, and at most {_LONGEST:,} "
            f"and {_MOST:,} are read back; save a stack in parts, or group the categories of its preprocessing"
        )
    return save(dict(tensors), metadata={kind: text})


@contextmanager
def opened(file: Path) -> Iterator[Any]:
    """The file as safetensors reads it, its header not larger than one that we write."""
    with file.open("rb") as stream:  # safetensors alone calls a forbidden file missing
        length = int.from_bytes(stream.read(8), "little")
        if _HEADER < length <= file.stat().st_size:
            raise ValueError(f"its header has {length:,} bytes; expected at most {_HEADER:,}")
        with safe_open(file, framework="np") as content:
            yield content


def read_description(content: Any, kind: str = NETWORK) -> dict[str, Any]:
    """The description in an open safetensors file, of this schema; what it says is not yet looked at."""
    metadata = content.metadata() or {}
    _require_kind(kind, metadata)
    text = metadata.get(kind, "")
    if len(text) > _LONGEST or _values(text) > _MOST:
        raise ValueError(
            f"its description has {len(text):,} characters and {_values(text):,} values; "
            f"expected at most {_LONGEST:,} and {_MOST:,}"
        )
    try:
        description = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError:
        description = None
    if not isinstance(description, dict) or description.get("format") != _FORMAT:
        raise ValueError(
            f"its metadata does not describe a {kind} of handgrad; expected a file that {_WRITERS[kind]} wrote "
            "(this one is of another program, or damaged)"
        )
    _require_schema(description.get("schema"))
    return description


_WRITERS = {NETWORK: "handgrad.save", CHECKPOINT: "training with checkpoint="}


def _require_kind(kind: str, metadata: Mapping[str, str]) -> None:
    """Tell a network from a checkpoint."""
    if kind == NETWORK and CHECKPOINT in metadata:
        raise ValueError(
            "it is a checkpoint of a training, not a network; go on with handgrad.train(..., checkpoint=path), "
            "and handgrad.save the network then"
        )
    if kind == CHECKPOINT and NETWORK in metadata:
        raise ValueError("it is a network that handgrad.save wrote, not a checkpoint; name another file")


def _values(text: str) -> int:
    """At most so many values does a JSON text hold."""
    return 1 + sum(text.count(sign) for sign in ",[{")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key comes twice: readers would not agree on what it says."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("its description has a key twice in one object; expected a file that handgrad wrote")
    return found


def _require_schema(schema: Any) -> None:
    if require_integer("schema", schema) > SCHEMA:
        raise ValueError(
            f"it was written by a newer handgrad (schema {schema}; this one reads up to {SCHEMA}); "
            "pip install --upgrade handgrad"
        )


def read_tensors(content: Any, expected: Mapping[str, tuple[tuple[int, ...], str]]) -> dict[str, Array]:
    """The tensors, read only if names, shapes and types (such as "F64") are the expected ones."""
    if set(content.keys()) != set(expected):
        names = sorted(content.keys())
        raise ValueError(f"it holds the tensors {names[:20]}; expected {', '.join(expected)}")
    for name, (shape, kind) in expected.items():
        tensor = content.get_slice(name)
        found = tuple(tensor.get_shape()), tensor.get_dtype()
        if found != (shape, kind):
            raise ValueError(
                f"the tensor {name} has shape {found[0]} and type {found[1]}; its layers need {shape} and {kind}"
            )
    return {name: content.get_tensor(name) for name in expected}


def require_undamaged(description: Mapping[str, Any], tensors: Mapping[str, Array]) -> None:
    """Refuse content that its digest does not match."""
    content = {key: value for key, value in description.items() if key != "sha256"}
    if description.get("sha256") != _digest(content, tensors):
        raise ValueError("its content does not match its sha256: it was damaged, or changed by another program")


def _to_json(description: Mapping[str, Any]) -> str:
    return json.dumps(
        description, allow_nan=False, default=lambda number: number.item()
    )  # NumPy's, such as bias=np.True_


def _digest(description: Mapping[str, Any], tensors: Mapping[str, Array]) -> str:
    """SHA-256 of the description and the tensors; their shapes follow from the description."""
    digest = hashlib.sha256(_to_json(description).encode())
    for name in sorted(tensors):
        digest.update(tensors[name].data)
    return digest.hexdigest()
