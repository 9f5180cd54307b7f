"""A frame: all that moves on the page as one binary message, a JSON header followed by the arrays that it lists.

Layout: the header's length as uint32, little endian; the header as UTF-8, padded with spaces until the arrays begin at
a multiple of 8; the arrays one after another, each with its type, shape and offset in the header.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.arrays import Array

_TYPES = {"f8": "<f8", "f4": "<f4"}


def pack(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """The frame; float64 arrays stay so, all others become float32. Numbers that are not finite are null in JSON."""
    listed, parts, offset = [], [], 0
    for name, array in arrays.items():
        kind = "f8" if array.dtype == np.float64 else "f4"
        content = np.ascontiguousarray(array, _TYPES[kind]).tobytes()
        listed.append({"name": name, "type": kind, "shape": list(array.shape), "offset": offset})
        padding = -len(content) % 8
        parts += [content, bytes(padding)]
        offset += len(content) + padding
    text = to_json({**header, "arrays": listed}).encode()
    text += b" " * (-(len(text) + 4) % 8)
    return b"".join([struct.pack("<I", len(text)), text, *parts])


def unpack(frame: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """The header and the arrays of a frame."""
    (length,) = struct.unpack_from("<I", frame)
    header = json.loads(frame[4 : 4 + length])
    arrays = {}
    for each in header["arrays"]:
        count = math.prod(each["shape"])
        values = np.frombuffer(frame, _TYPES[each["type"]], count, 4 + length + each["offset"])
        arrays[each["name"]] = values.reshape(each["shape"])
    return header, arrays


def to_json(value: Any) -> str:
    """JSON that every browser reads: no NaN, no infinity."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_without_nan(value), allow_nan=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _without_nan(each) for name, each in value.items()}
    return [_without_nan(each) for each in value] if isinstance(value, list | tuple) else value
