"""Files that are whole or absent."""

from pathlib import Path

from handgrad.files.disk import replace


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file, in a folder that is made if need be, in one step: the old file stays until the new one is whole.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder, "deep", "page.html"), "<p>")
    ...     Path(folder, "deep", "page.html").read_text()
    '<p>'

    Raises
    ------
    OSError
        Nothing can be written there; a file that was there before still is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, content.encode() if isinstance(content, str) else content, "the file")
