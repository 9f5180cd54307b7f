"""`handgrad play`: the playground in the browser."""

import os
import webbrowser
from typing import Annotated

import typer

from handgrad.cli.errors import WRONG_CALL, fail, one_line_errors


@one_line_errors
def play(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8420,
    host: Annotated[
        str, typer.Option(help="Whose requests are answered; for another than this machine a token is printed.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Watch a network learn in the browser, trained by this very library; Ctrl-C ends it.

    The address is printed when the page is there. Other machines get in with the token in the address only.

    Example: handgrad play --port 8420
    """
    from handgrad.playground import serve

    def ready(address: str) -> None:
        print(f"The playground is at {address} (Ctrl-C ends it)", flush=True)
        if browser and (os.name == "nt" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(address)

    try:
        serve(host, port, ready=ready)
    except ModuleNotFoundError as missing:
        fail("play", missing, WRONG_CALL)
