"""The container: a description as JSON and tensors in one safetensors file, with a digest of both."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from safetensors.numpy import save

from handgrad.arrays import Array, require_integer

SCHEMA = 1  # goes up whenever an older handgrad could not read what this one writes
ENVELOPE = ("format", "schema", "sha256")  # the keys that are added around what describes the network

_FORMAT = "handgrad"
_ENTRY = "network"  # one entry only: safetensors writes several in random order, and equal networks make equal files
_LONGEST = 2**24  # characters of JSON; as Python objects they take some twenty times as many bytes


def pack(description: Mapping[str, Any], tensors: Mapping[str, Array]) -> bytes:
    """The bytes of the file."""
    content = {"format": _FORMAT, "schema": SCHEMA, **description}
    text = _to_json({**content, "sha256": _digest(content, tensors)})
    if len(text) > _LONGEST:
        raise ValueError(
            f"net takes {len(text):,} characters to describe and at most {_LONGEST:,} are read back; "
            "save a stack in parts, or group the categories of its preprocessing"
        )
    return save(dict(tensors), metadata={_ENTRY: text})


def read_description(content: Any) -> dict[str, Any]:
    """The description in an open safetensors file, of this schema; what it says is not yet looked at."""
    text = (content.metadata() or {}).get(_ENTRY, "")
    if len(text) > _LONGEST:
        raise ValueError(f"its description has {len(text):,} characters; expected at most {_LONGEST:,}")
    try:
        description = json.loads(text)
    except ValueError:
        description = None
    if not isinstance(description, dict) or description.get("format") != _FORMAT:
        raise ValueError(
            "its metadata does not describe a network of handgrad; expected a file that handgrad.save wrote "
            "(this one is of another program, or damaged)"
        )
    _require_schema(description.get("schema"))
    return description


def _require_schema(schema: Any) -> None:
    if require_integer("schema", schema) > SCHEMA:
        raise ValueError(
            f"it was written by a newer handgrad (schema {schema}; this one reads up to {SCHEMA}); "
            "pip install --upgrade handgrad"
        )


def read_tensors(content: Any, expected: Mapping[str, tuple[tuple[int, ...], str]]) -> dict[str, Array]:
    """The tensors, read only if names, shapes and types (such as "F64") are the expected ones."""
    if set(content.keys()) != set(expected):
        raise ValueError(f"it holds the tensors {sorted(content.keys())}; expected {', '.join(expected)}")
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
    if description["sha256"] != _digest(content, tensors):
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
