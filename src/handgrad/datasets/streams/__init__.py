"""Data that is bigger than memory: read part by part, again for every epoch."""

from handgrad.datasets.streams.stream import Stream, stream

__all__ = ["Stream", "stream"]
