"""The playground's server under load: tabs that train at once, each an 8-8-8 network with a map of every unit.

    python benchmarks/playground.py [TABS] [SECONDS]

Starts a server of its own on a free port, opens so many tabs as WebSocket clients, which answer each frame at once as a
page does, and prints frames a second of the slowest, median and fastest tab, and the server's memory over time.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import websockets

from handgrad.playground.frames import unpack

DOCUMENT = {"network": {"hidden_sizes": [8, 8, 8]}, "training": {"epochs": 1_000_000}}


async def tab(
    address: str, seconds: float, frames: list[int], errors: list[str], all_are_open: asyncio.Barrier
) -> None:
    """One tab: opens, waits for the others, runs, answers frames."""
    async with websockets.connect(address, max_size=None, compression=None) as socket:
        await socket.send(json.dumps({"do": "open", "document": DOCUMENT}))
        while json.loads(await socket.recv())["kind"] != "state":
            pass
        await all_are_open.wait()
        await socket.send(json.dumps({"do": "run"}))
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            message = await socket.recv()
            if isinstance(message, str):
                told = json.loads(message)
                if told["kind"] == "error":
                    errors.append(told["message"])
                continue
            header, _ = unpack(message)
            count += header["running"]
            await socket.send(json.dumps({"do": "seen", "frame": header["frame"]}))
        frames.append(count)


def resident(pid: int) -> float:
    """Megabytes that the process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


async def watch(pid: int, seconds: float) -> list[float]:
    """The server's memory ten times in the course."""
    found = []
    for _ in range(10):
        await asyncio.sleep(seconds / 10)
        found.append(resident(pid))
    return found


async def measure(address: str, pid: int, tabs: int, seconds: float) -> None:
    """All tabs at once."""
    frames: list[int] = []
    errors: list[str] = []
    all_are_open = asyncio.Barrier(tabs)
    memory = asyncio.create_task(watch(pid, seconds))
    await asyncio.gather(*(tab(address, seconds, frames, errors, all_are_open) for _ in range(tabs)))
    rates = sorted(each / seconds for each in frames)
    print(f"{tabs} tabs, {seconds:g} s: {rates[0]:.1f} / {median(rates):.1f} / {rates[-1]:.1f} frames a second")
    print(f"memory: {' '.join(f'{each:.0f}' for each in await memory)} MB; errors: {len(errors)} {errors[:1]}")


def main() -> None:
    """Start a server, measure, end it."""
    tabs, seconds = (float(each) for each in [*sys.argv[1:], "40", "20"][:2])
    command = [sys.executable, "-m", "handgrad", "play", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split(" at ")[1].split()[0]
        try:
            asyncio.run(measure(address.replace("http", "ws") + "session", server.pid, int(tabs), seconds))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
