"""Take it away: the run as code, its document with weights, or the network as a file for other libraries."""

import base64
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from handgrad.files import save
from handgrad.interchange.writing import SUFFIXES, write
from handgrad.playground.code import code_of
from handgrad.playground.document import Document
from handgrad.playground.jobs import Answer, Job, Tell
from handgrad.playground.run import Run
from handgrad.playground.start import Start
from handgrad.rules import unknown

_KINDS = ("python", "document", "safetensors", *SUFFIXES)


def export_of(run: Run, to: Any) -> Job:
    """The file of that kind."""
    if to not in _KINDS:
        raise unknown("export", str(to), _KINDS)
    if to == "python":
        return _file("playground.py", "text/x-python", code_of(run).encode())
    if to == "document":
        return _file("playground.json", "application/json", json.dumps(with_weights(run).to_json()).encode())
    net = run.net.copy()
    if not run.scene.expanded or run.scene.inputs == ("x1", "x2"):
        net.preprocessing = run.scene.raw_train.preprocessing
    if run.document.mistake is not None:
        raise ValueError(f"export: a network with the mistake {run.document.mistake!r} is for looking at; take it out")
    if to == "safetensors":
        return _written("network.safetensors", lambda path: save(net, path))
    return _written(f"network{SUFFIXES[to]}", lambda path: write(net, path, to))


def with_weights(run: Run) -> Document:
    """The document that opens with what is on screen now."""
    return replace(run.document, start=Start.of(run.net, run.epoch, run.told()))


def _written(name: str, write_to: Callable[[Path], None]) -> Job:
    def work(tell: Tell) -> Answer:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            write_to(path)
            return _answer(name, "application/octet-stream", path.read_bytes())

    return Job("export", work)


def _file(name: str, kind: str, content: bytes) -> Job:
    return Job("export", lambda tell: _answer(name, kind, content))


def _answer(name: str, kind: str, content: bytes) -> Answer:
    return {"kind": "file", "name": name, "type": kind, "base64": base64.b64encode(content).decode()}
