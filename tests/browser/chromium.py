"""Which browser the tests drive: HANDGRAD_CHROMIUM, one that is installed, or the one that playwright fetched."""

import os
import shutil
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing goes anywhere else, whatever a page asks for
)


def find_chromium() -> str | None:
    """The path of the browser's program, if there is one."""
    named = os.environ.get("HANDGRAD_CHROMIUM")
    if named:
        return shutil.which(named)
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    return found or _fetched()


def _fetched() -> str | None:
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    programs = (each for kind in ("chrome", "headless_shell") for each in sorted(folder.glob(f"chromium*/*/{kind}")))
    return next((str(each) for each in programs if os.access(each, os.X_OK)), None)


if __name__ == "__main__":
    chromium = find_chromium()
    print(chromium or "there is no Chromium")
    sys.exit(chromium is None)
