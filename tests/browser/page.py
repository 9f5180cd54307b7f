"""The page as a test sees it: its controls by their names, and the numbers behind what is shown."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Locator, Page, expect

from .guard import Guard
from .serving import Server

WAIT = 20_000  # milliseconds, after which something that was waited for does not come
expect.set_options(timeout=WAIT)

# One predicate over the store, asked again whenever the store tells of something; no clock decides.
_WAIT = """
([predicate, given, limit]) => {
  const holds = new Function("store", "given", `return ${predicate}`);
  return new Promise((resolve) => {
    const look = () => {
      const store = window.handgrad?.store;
      if (store && holds(store, given)) return resolve(true);
      requestAnimationFrame(look);
    };
    setTimeout(() => resolve(false), limit);
    look();
  });
}
"""
# Opens a document, and waits for its state and for a frame that came after it and is drawn.
_OPEN = """
([document, limit]) => new Promise((resolve) => {
  const { store } = window.handgrad;
  const off = store.on("state", () => {
    off();
    const before = store.frame;
    const look = () => (store.frame !== before && !store.frameWanted ? resolve(true) : requestAnimationFrame(look));
    look();
  });
  setTimeout(() => resolve(false), limit);
  store.open(document);
})
"""
_SEEN = """
() => {
  const { signals, doctor, curves, arrays, ...header } = window.handgrad?.store.frame?.header ?? {};
  const shown = [...document.querySelectorAll('[data-testid=error]:not([hidden])')].map((each) => each.textContent);
  return [JSON.stringify(header), shown];
}
"""
_ARRAY = """
(name) => {
  const { shape, values } = window.handgrad.store.frame.arrays[name];
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return { shape, type: values.constructor.name, base64: btoa(text) };
}
"""
_FILES = """
([name, content]) => {
  const data = new DataTransfer();
  data.items.add(new File([content], name));
  return data;
}
"""
_PIXELS = """
(canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.readAsDataURL(new Blob([data]));
  });
}
"""
_TYPES = {"Float64Array": "<f8", "Float32Array": "<f4"}


def link_to(document: dict[str, Any]) -> str:
    """The fragment of an address that opens with this document."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(json.dumps(document).encode()) + packer.flush()
    return "#d=" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


class Playground:
    """A page that is open."""

    def __init__(self, page: Page, server: Server, guard: Guard) -> None:
        self.page, self.server, self.guard = page, server, guard

    # --- where it is ---

    def goto(self, at: str = "") -> None:
        """Open the page at this query and fragment, and wait for its first network."""
        self.page.goto(self.server.address + at)
        self.until("store.state && store.frame")

    def open(self, document: dict[str, Any]) -> None:
        """Begin anew from a document, as a lesson does."""
        assert self.page.evaluate(_OPEN, [document, WAIT]), f"the page never showed {document}"

    # --- what is there ---

    def get(self, name: str) -> Locator:
        """The element of that name."""
        return self.page.get_by_test_id(name)

    def text(self, name: str) -> str:
        """What the element of that name says, minus signs as one types them."""
        return (self.get(name).first.text_content() or "").strip().replace("\u2212", "-")

    def number(self, name: str) -> float:
        """The number that the element of that name shows."""
        return float(self.text(name))

    @property
    def document(self) -> dict[str, Any]:
        """The document that the server knows."""
        return self.store("store.state.document")

    @property
    def state(self) -> dict[str, Any]:
        """The last state."""
        return self.store("store.state")

    @property
    def header(self) -> dict[str, Any]:
        """The header of the last frame."""
        return self.store("store.frame.header")

    @property
    def epoch(self) -> int:
        """Epochs over."""
        return int(self.store("store.frame.header.epoch"))

    def store(self, expression: str) -> Any:
        """The value of an expression of the page's store."""
        return self.page.evaluate(f"() => {{ const store = window.handgrad.store; return {expression}; }}")

    def array(self, name: str) -> np.ndarray:
        """An array of the last frame, bit by bit."""
        found = self.page.evaluate(_ARRAY, name)
        content = base64.b64decode(found["base64"])
        return np.frombuffer(content, _TYPES[found["type"]]).reshape(found["shape"])

    def pixels(self, canvas: Locator) -> np.ndarray:
        """What is painted on a canvas: (pixels, 4) of red, green, blue, and how opaque."""
        return np.frombuffer(base64.b64decode(canvas.evaluate(_PIXELS)), np.uint8).reshape(-1, 4)

    @property
    def params(self) -> np.ndarray:
        """All weights and biases."""
        return self.array("params")

    def parameter(self, name: str) -> np.ndarray:
        """One parameter of the last frame."""
        where = next(each for each in self.state["parameters"] if each["name"] == name)
        shape = where["shape"]
        return self.params[where["start"] :][: int(np.prod(shape))].reshape(shape)

    # --- what can be done ---

    def until(self, predicate: str, given: Any = None) -> None:
        """Wait until that holds of the store."""
        __tracebackhide__ = True
        if self.page.evaluate(_WAIT, [predicate, given, WAIT]):
            return
        header, errors = self.page.evaluate(_SEEN)
        raise AssertionError(
            f"never true: {predicate} of {given!r}; errors: {errors}, wrong: {self.guard.wrong}, last frame: {header}"
        )

    def click(self, name: str) -> None:
        """Press what has that name."""
        self.get(name).first.click()

    def after(self, predicate: str, act: Any, given: Any = None) -> None:
        """Act, and wait until that holds of a state and a frame that came afterwards."""
        act()
        self.until(predicate, given)

    def step(self, epochs: int = 1) -> None:
        """So many single epochs by the button."""
        for _ in range(epochs):
            before = self.epoch
            self.click("step")
            self.until("store.frame.header.epoch === given && !store.frameWanted", before + 1)  # and it is drawn

    def run_to(self, epoch: int) -> None:
        """Run until that epoch is over, and pause."""
        self.click("run")
        self.until("store.frame.header.epoch >= given", epoch)
        self.pause()

    def pause(self) -> None:
        """Pause, and wait until no frame can change the weights any more."""
        self.click("pause")
        self.until("!store.frame.header.running")
        expect(self.get("run")).to_be_visible()

    def fill(self, name: str, text: str) -> None:
        """Type into the field of that name, and leave it."""
        field = self.get(name).first
        field.fill(text)
        field.press("Enter")

    def slide(self, name: str, value: float) -> None:
        """Move the slider of that name."""
        self.get(name).first.fill(str(value))

    def choose(self, name: str, value: str) -> None:
        """Choose from the list of that name."""
        self.get(name).first.select_option(value)

    def until_document(self, path: str, value: Any) -> None:
        """Wait until the server knows that value of the document, and a frame of it is drawn."""
        self.until(f"JSON.stringify(store.state.document.{path}) === given", json.dumps(value, separators=(",", ":")))
        self.until_fresh()

    def until_fresh(self) -> None:
        """Wait for a frame whose weights are those of the state."""
        self.until("store.frame.arrays.params.values.length === store.state.total_parameters")

    def drop(self, name: str, content: str) -> None:
        """Drop a file on the page."""
        files = self.page.evaluate_handle(_FILES, [name, content])
        for kind in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event("main", kind, {"dataTransfer": files})

    def download(self, act: Any, folder: Path) -> Path:
        """Act, and keep the file that is offered."""
        with self.page.expect_download() as waited:
            act()
        path = folder / waited.value.suggested_filename
        waited.value.save_as(path)
        return path
