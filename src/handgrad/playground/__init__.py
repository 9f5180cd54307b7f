"""The playground: a real network that learns in the browser, trained by the library itself.

`serve` starts it; `handgrad play` is its command. A document (`document.py`) says what is asked for, a scene
(`scene.py`) makes rows and pictures' planes of it, a run (`run.py`) trains, a session (`session.py`) is one tab, the
lane (`lane.py`) shares the time among all of them, and the server (`server.py`) speaks with the pages in `static/`.
"""

from handgrad.playground.limits import Limits
from handgrad.playground.serving import serve

__all__ = ["Limits", "serve"]
