"""The playground's page in a real browser: how soon it is there, what it weighs, and how many frames it draws.

    python benchmarks/page.py [SECONDS]

Starts a server and a Chromium of its own (HANDGRAD_CHROMIUM names one), opens an 8-8-8 network with a map of each unit,
presses Run, and counts the frames that were drawn. Needs the extra `dev`.
"""

import os
import shutil
import subprocess
import sys
import time
from typing import Any

from playwright.sync_api import Page, sync_playwright

DOCUMENT = {"network": {"hidden_sizes": [8, 8, 8]}, "training": {"epochs": 1_000_000}}
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
_SIZES = """
() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map((each) => each.decodedBodySize)
"""
_OPEN = """
(document) => {
  const { store } = window.handgrad;
  store.open(document);
  return new Promise((resolve) => {
    const off = store.on("frame", ({ header }) => header.epoch === 0 && store.state && (off(), resolve(true)));
  });
}
"""
_COUNT = """
(seconds) => {
  const { store } = window.handgrad;
  const clicked = performance.now();
  const drawn = [];
  store.on("frame", ({ header }) => header.epoch > 0 && drawn.push(performance.now() - clicked));
  document.querySelector("[data-testid=run]").click();
  return new Promise((resolve) => setTimeout(() => resolve(drawn), 1000 * seconds));
}
"""


def measure(page: Page, address: str, seconds: float) -> dict[str, float]:
    """Seconds until the page is there, bytes that it loads, seconds to the first frame, frames a second."""
    started = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("[data-testid=run]:not([disabled])")
    there = time.perf_counter() - started
    page.wait_for_load_state("networkidle")
    sizes: list[int] = page.evaluate(_SIZES)
    page.evaluate(_OPEN, DOCUMENT)
    drawn: list[float] = page.evaluate(_COUNT, seconds)
    return {
        "interactive after, s": there,
        "files": len(sizes),
        "bytes": sum(sizes),
        "first frame after the click, s": drawn[0] / 1000,
        "frames a second": (len(drawn) - 1) / (drawn[-1] - drawn[0]) * 1000,
    }


def main() -> None:
    """Start both, measure three times, end them."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    chromium = os.environ.get("HANDGRAD_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)))
    command = [sys.executable, "-m", "handgrad", "play", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as driver:
        assert server.stdout is not None
        address = server.stdout.readline().split(" at ")[1].split()[0]
        browser: Any = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        try:
            for _ in range(3):
                context = browser.new_context(viewport={"width": 1440, "height": 900})
                found = measure(context.new_page(), address, seconds)
                print("; ".join(f"{name}: {value:,.4g}" for name, value in found.items()))
                context.close()
        finally:
            browser.close()
            server.terminate()


if __name__ == "__main__":
    main()
