"""Starting the server: on this machine alone, or for others who have the token."""

import socket
from collections.abc import Callable
from ipaddress import ip_address

from handgrad.playground.limits import Limits

PORT = 8420
_LOOPBACK_NAMES = ("localhost",)
_ALL = ("0.0.0.0", "::")


def serve(
    host: str = "127.0.0.1",
    port: int = PORT,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the playground until it is interrupted; `ready` is called with its address when it answers.

    On another host than this machine the address holds a token, without which nobody gets in.

    Raises
    ------
    ModuleNotFoundError
        The extra `play` is not installed.
    OSError
        The port is taken, or the host is not this machine's.
    """
    try:
        import uvicorn

        from handgrad.playground.server import LOOPBACK, make_app, new_token
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"the playground needs {missing.name}, which is not installed: pip install 'handgrad[play]'",
            name=missing.name,
        ) from missing
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        token = None if _is_loopback(host) else new_token()
        app = (
            make_app(limits, hosts=(*LOOPBACK, host)) if token is None else make_app(limits, hosts=("*",), token=token)
        )
        config = uvicorn.Config(
            app,
            log_level="warning",
            lifespan="on",
            ws="websockets-sansio",
            ws_max_size=2 * limits.message_bytes,
            ws_per_message_deflate=False,  # frames are many, and numbers hardly shrink
        )
        server = uvicorn.Server(config)
        name = _reached_by(host)
        started = server.startup

        async def announced(sockets: list[socket.socket] | None = None) -> None:
            await started(sockets)
            query = "" if token is None else f"?token={token}"
            ready(f"http://{name}:{listening.getsockname()[1]}/{query}")

        server.startup = announced  # type: ignore[method-assign]
        server.run(sockets=[listening])


def _reached_by(host: str) -> str:
    """What a browser is to be told: for all addresses of this machine, its name."""
    if host in _ALL:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES
