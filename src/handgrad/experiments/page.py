"""The few pieces of HTML that a report is made of; everything is escaped, nothing is fetched from anywhere."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from handgrad.experiments.pictures import Picture


def page(title: str, body: str) -> str:
    """A whole page, with its style inside."""
    style = files("handgrad.experiments").joinpath("report.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="handgrad">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def section(anchor: str, title: str, *parts: str) -> str:
    """A section that can be linked to."""
    inside = "\n".join(part for part in parts if part)
    return f'<section id="{escape(anchor)}">\n<h2>{escape(title)}</h2>\n{inside}\n</section>'


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `kind` is its class in the style."""
    return f"<p{_class(kind)}>{escape(text)}</p>"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """A table; `align` has a letter for each column: l for names, w for words that wrap, r for figures."""
    titles = "".join(f"<th{_side(side)}>{escape(title)}</th>" for title, side in zip(head, align, strict=True))
    lines = (_row(row, align) for row in rows)
    return (
        f'<div class="scroll"><table>\n<caption>{escape(caption)}</caption>\n'
        f"<thead><tr>{titles}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody>\n</table></div>"
    )


def figure(picture: Picture, caption: str = "") -> str:
    """A picture in the reader's colours; on paper, the light one."""
    images = "".join(
        f'<img class="{scheme}" src="{uri}" alt="{escape(picture.shows)}">'
        for scheme, uri in (("light", picture.light), ("dark", picture.dark))
    )
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{images}{below}</figure>"


def side_by_side(*parts: str) -> str:
    """Parts next to each other where the page is wide enough."""
    return f'<div class="beside">{"".join(parts)}</div>'


def tiles(pairs: Iterable[tuple[str, str, str]]) -> str:
    """Large figures with what they are above and what they mean below."""
    inside = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd><dd>{escape(meaning)}</dd></div>"
        for name, value, meaning in pairs
    )
    return f'<dl class="tiles">{inside}</dl>'


_VERDICTS = {"better": "good", "ok": "good", "worse": "bad", "WRONG": "bad", "cannot tell": "open"}


def _row(cells: Sequence[str], align: str) -> str:
    return f"<tr>{''.join(_cell(text, side) for text, side in zip(cells, align, strict=True))}</tr>\n"


def _cell(text: str, side: str) -> str:
    if text in _VERDICTS:
        return f'<td><span class="verdict {_VERDICTS[text]}">{escape(text)}</span></td>'
    return f"<td{_side(side)}>{escape(text)}</td>"


def _side(side: str) -> str:
    return _class({"l": "name", "w": "", "r": "figure"}[side])


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
