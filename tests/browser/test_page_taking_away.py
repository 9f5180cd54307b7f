"""Links, code and files: what leaves the page is what was on it, bit by bit."""

import json
import os
import re
import runpy
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import expect

import handgrad as hg

from . import reference
from .conftest import Opener
from .page import Playground, link_to
from .serving import Server

HARD = {
    "data": {"name": "spirals", "n": 120, "noise": 0.1, "seed": 3},
    "inputs": ["x1", "x2", "sin_x1"],
    "network": {
        "hidden_sizes": [5, 3],
        "activation": ["relu", {"f": "z * sigmoid(z)", "df": "sigmoid(z) + a * sigmoid(-z)"}],
    },
    "training": {"optimizer": "adam", "learning_rate": 0.01, "batch_size": 16},
    "seed": 11,
}


def export(play: Playground, to: str, folder: Path) -> Path:
    """The file that the page offers."""
    if not play.get(f"export-{to}").is_visible():
        play.click("export")
    path = play.download(lambda: play.click(f"export-{to}"), folder)
    play.page.keyboard.press("Escape")
    return path


def link(play: Playground) -> str:
    """The address that shares what is on screen."""
    play.click("share")
    expect(play.get("share-link")).to_be_visible()
    expect(play.get("share-link")).to_have_value(re.compile("#"))
    address = play.get("share-link").input_value()
    play.page.keyboard.press("Escape")
    return address


SILU = hg.activations.written("z * sigmoid(z)", "sigmoid(z) + a * sigmoid(-z)")


def run_code(path: Path) -> hg.Network:
    """Run exported code, and give the network that it saved."""
    with chdir(path.parent):
        runpy.run_path(path.name, run_name="__main__")
    return hg.load(path.parent / "playground.safetensors", activations=[SILU])


def test_exported_code_gives_the_same_bits(play: Playground, folder: Path) -> None:
    play.run_to(5)
    path = export(play, "python", folder)
    done = subprocess.run([sys.executable, path.name], cwd=folder, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    net = hg.load(folder / "playground.safetensors")
    np.testing.assert_array_equal(net.params, play.params)


def test_exported_code_tells_the_whole_story(play: Playground, folder: Path) -> None:
    play.open(HARD)
    play.step(2)
    play.click("bias-0-1")
    play.fill("edit-value", "0.75")
    play.until("store.parameter('dense1.b').values[1] === 0.75")
    play.page.keyboard.press("Escape")
    play.step()
    play.click("freeze-1")
    play.until_document("frozen", ["dense2"])
    play.fill("learning-rate", "0.03")
    play.until_document("training.learning_rate", 0.03)
    play.step(2)
    net = run_code(export(play, "python", folder))
    np.testing.assert_array_equal(net.params, play.params)


def test_a_link_opens_with_the_same_weights(play: Playground, visit: Opener) -> None:
    play.open(HARD)
    play.step(4)
    address = link(play)
    assert address.startswith(play.server.address)
    other = visit(play.server, address.removeprefix(play.server.address))
    other.until("store.frame.header.epoch === 4")
    np.testing.assert_array_equal(other.params, play.params)
    assert other.document == play.document
    expect(other.get("epoch")).to_have_text("4")
    other.step()
    assert other.epoch == 5


def test_a_link_of_a_link_exports_code_of_the_whole_run(play: Playground, visit: Opener, folder: Path) -> None:
    play.step(3)
    other = visit(play.server, link(play).removeprefix(play.server.address))
    other.until("store.frame.header.epoch === 3")
    other.step(2)
    net = run_code(export(other, "python", folder))
    np.testing.assert_array_equal(net.params, other.params)


def test_a_document_is_written_into_the_address_by_hand(visit: Opener, server: Server) -> None:
    play = visit(server, '#{"data": {"name": "circles"}, "network": {"hidden_sizes": [2]}}')
    assert (play.document["data"]["name"], play.document["network"]["hidden_sizes"]) == ("circles", [2])


@pytest.mark.parametrize("fragment", ["#d=this-is-no-document", link_to({"data": {"name": "nonsense"}})])
def test_a_broken_link_says_so_and_opens_the_usual_network(visit: Opener, server: Server, fragment: str) -> None:
    other = visit(server, fragment)
    expect(other.get("error")).to_be_visible()
    assert other.document["data"]["name"] == "moons"
    other.step()


def test_a_document_is_exported_and_dropped_again(play: Playground, visit: Opener, folder: Path) -> None:
    play.open(HARD)
    play.step(3)
    path = export(play, "document", folder)
    assert json.loads(path.read_text())["start"]["epoch"] == 3
    other = visit(play.server)
    other.drop(path.name, path.read_text())
    other.until("store.frame.header.epoch === 3")
    np.testing.assert_array_equal(other.params, play.params)
    assert other.document == play.document


def test_a_share_that_is_refused_swallows_no_export(play: Playground, folder: Path) -> None:
    play.open({"training": {"epochs": 1000}})
    play.step()
    play.store('store.do("compare", { seeds: 100 })')
    play.until("store.frame.header.busy")
    play.click("share")
    expect(play.get("share-weights")).not_to_be_checked()
    expect(play.get("share-link")).not_to_be_empty()
    play.page.keyboard.press("Escape")
    play.store('store.do("stop")')
    play.until("!store.frame.header.busy")
    assert "start" in json.loads(export(play, "document", folder).read_text())


def test_a_document_that_is_too_long_is_refused_and_nothing_is_lost(play: Playground) -> None:
    play.step(2)
    params = play.params
    long = {"data": {"name": "table", "csv": "a" * 5_000_000, "target": "a"}}
    play.page.evaluate("(document) => window.handgrad.store.open(document)", long)
    expect(play.get("error")).to_contain_text("5")
    play.step()
    assert play.epoch == 3
    play.store('store.do("rewind", { epoch: 2 })')
    play.until("store.frame.header.epoch === 2")
    np.testing.assert_array_equal(play.params, params)


def test_safetensors(play: Playground, folder: Path) -> None:
    play.step(2)
    net = hg.load(export(play, "safetensors", folder))
    np.testing.assert_array_equal(net.params, play.params)


def test_onnx_runs_elsewhere(play: Playground, folder: Path) -> None:
    play.step(2)
    session = onnxruntime.InferenceSession(export(play, "onnx", folder).read_bytes())
    rows = reference.rows(play.document)
    net = reference.trained(play.document, 2)
    columns = {"x1": rows.X_test[:, :1], "x2": rows.X_test[:, 1:]}
    assert [each.name for each in session.get_inputs()] == list(columns)
    outputs = session.run(None, columns)
    assert any(_fits(each, net.predict_proba(rows.X_test)) for each in outputs)


def _fits(given: object, expected: np.ndarray) -> bool:
    found = np.asarray(given)
    return found.shape == expected.shape and bool(np.allclose(found, expected, atol=1e-5))


@pytest.mark.parametrize("to", ["sklearn", "numpy"])
def test_other_files_hold_something(play: Playground, folder: Path, to: str) -> None:
    play.step()
    assert export(play, to, folder).stat().st_size > 500
    expect(play.get("error")).to_be_hidden()


def test_pictures(play: Playground, folder: Path) -> None:
    assert export(play, "png", folder).read_bytes().startswith(b"\x89PNG")
    picture = export(play, "svg", folder).read_text()
    assert picture.count("<path") >= 2 * 4 + 4 * 3 + 3 * 2


def test_a_table_may_be_opened_where_documents_are(play: Playground) -> None:
    table = "height,kind\n" + "".join(f"{row},{'ab'[row % 2]}\n" for row in range(20))
    play.click("export")
    file = {"name": "Animals.CSV", "mimeType": "text/csv", "buffer": table.encode()}
    play.get("document-file").set_input_files(file)
    play.until_document("data.target", "kind")
    expect(play.page.locator("dialog")).to_have_count(0)
    expect(play.get("error")).to_be_hidden()


def test_what_is_no_document_is_refused_in_words(play: Playground) -> None:
    for content in (b"soil,height", b"null"):
        file = {"name": "notes.json", "mimeType": "application/json", "buffer": content}
        play.get("document-file").set_input_files(file)
        expect(play.get("error")).to_contain_text("is no document of the playground")
        play.get("error").get_by_role("button").click()
    play.step()
