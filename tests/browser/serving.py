"""A playground's server as a process of its own, as `handgrad play` starts it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Self

_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/")


class Server:
    """Start it, kill it, start it again at the same port; leaving it ends the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it says where it is."""
        command = [sys.executable, "-m", "handgrad", "play", "--no-browser", "--port", str(self.port)]
        with (self.folder / "server.txt").open("a") as complaints:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = _ADDRESS.search(said)
        if found is None:
            self.stop()
            raise AssertionError(f"the server said {said!r}, and {self.complaints()!r}")
        self.port = int(found[1])

    def stop(self) -> None:
        """End the process."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def complaints(self) -> str:
        """What the server wrote to its error stream."""
        return (self.folder / "server.txt").read_text()
