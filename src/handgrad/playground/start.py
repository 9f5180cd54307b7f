"""Weights that a document brings along, so that a link opens with what its sender saw."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from handgrad.arrays import Array, require_integer
from handgrad.network import Network
from handgrad.playground.legs import Leg, read_legs
from handgrad.playground.limits import Limits
from handgrad.training.door import frozen_mask


@dataclass(frozen=True)
class Start:
    """After how many epochs, parameters and state as bytes of float64, and the legs that led there."""

    epoch: int
    params: bytes
    state: bytes
    legs: tuple[Leg, ...] = ()

    @classmethod
    def of(cls, net: Network, epoch: int, legs: tuple[Leg, ...]) -> Self:
        """What this network has come to."""
        return cls(epoch, _bytes(net.params), _bytes(net.state), legs)

    @classmethod
    def from_json(cls, given: Any, limits: Limits) -> Self:
        """From the document's field; whether it fits the network is seen when it is put in."""
        expected = ("epoch", "params", "state", "legs")
        if not isinstance(given, Mapping) or set(given) - set(expected):
            raise ValueError(f"start is no object with {', '.join(expected)}")
        epoch = require_integer("start.epoch", given.get("epoch", 0), at_least=0)
        limits.require("epochs", epoch, f"start.epoch is {epoch:,}")
        params, state = _decoded("params", given.get("params")), _decoded("state", given.get("state", ""))
        return cls(epoch, params, state, read_legs(given.get("legs", []), limits))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        texts = {"params": self.params, "state": self.state}
        encoded = {name: base64.b64encode(value).decode() for name, value in texts.items()}
        return {"epoch": self.epoch, **encoded, "legs": [leg.to_json() for leg in self.legs]}

    def put_into(self, net: Network) -> None:
        """Give the network these values, if they are its own in number, and finite, and the legs could be its own."""
        self._require_legs_of(net)
        params, state = _numbers("params", self.params, net.params), _numbers("state", self.state, net.state)
        net.params, net.state = params, state

    def _require_legs_of(self, net: Network) -> None:
        told = sum(leg.epochs for leg in self.legs)
        if self.legs and told != self.epoch:
            raise ValueError(f"start.legs tell of {told:,} epochs, but start.epoch is {self.epoch:,}")
        for leg in self.legs:
            frozen_mask(net, leg.frozen)
            for edit in leg.edits:
                edit.require_in(net)


def _bytes(values: Array) -> bytes:
    return np.ascontiguousarray(values, "<f8").tobytes()


def _decoded(name: str, text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as wrong:
        raise ValueError(f"start.{name} is not base64") from wrong


def _numbers(name: str, content: bytes, like: Array) -> Array:
    if len(content) != 8 * like.size:
        raise ValueError(f"start.{name} has {len(content)} bytes; expected {8 * like.size}, 8 for each of {like.size}")
    values = np.frombuffer(content, "<f8")
    if not np.isfinite(values).all():
        raise ValueError(f"start.{name} has values that are not finite")
    return values.astype(like.dtype)
