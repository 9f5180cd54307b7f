"""Values from outside, field by field: each is what it should be, or an error names the field."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from handgrad.activations import Formula
from handgrad.randomness import require_seed
from handgrad.rules import Rule, unknown
from handgrad.written import Written

LARGEST_SEED = 2**32 - 1  # that a split takes
_LONGEST_TEXT = 200


def read_object(place: str, given: Any, known: Sequence[str]) -> dict[str, Any]:
    """An object that has none but the known fields."""
    if not isinstance(given, Mapping):
        raise ValueError(f"{place} is {str(given)[:_LONGEST_TEXT]!r}; expected an object with {', '.join(known)}")
    for name in given:
        if name not in known:
            raise unknown(f"field of {place}", name, known)
    return dict(given)


def read_text(place: str, given: Any, longest: int = _LONGEST_TEXT) -> str | None:
    """A text that is not too long, or None."""
    if given is None:
        return None
    if not isinstance(given, str):
        raise ValueError(f"{place} is {given!r}; expected a text")
    if len(given.encode(errors="replace")) > longest:
        raise ValueError(f"{place} has {len(given):,} characters; this playground allows {longest:,}")
    return given


def read_texts(place: str, given: Any) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(given, list | tuple) or len(given) > _LONGEST_TEXT:
        raise ValueError(f"{place} is {str(given)[:_LONGEST_TEXT]}; expected a list of at most {_LONGEST_TEXT} texts")
    texts = [read_text(f"{place}[{index}]", each) for index, each in enumerate(given)]
    if None in texts:
        raise ValueError(f"{place} holds null; expected texts")
    return tuple(str(each) for each in texts)


def read_seed(place: str, given: Any) -> int:
    """A seed that also splits rows."""
    if require_seed(place, given) > LARGEST_SEED:
        raise ValueError(f"{place} is {given}; expected at most {LARGEST_SEED}, the largest that a split takes")
    return int(given)


def plain_fields(record: Any, without: Sequence[str] = ()) -> dict[str, Any]:
    """A record's fields as plain values for JSON."""
    return {each.name: plain(getattr(record, each.name)) for each in fields(record) if each.name not in without}


def written_texts(value: Any) -> tuple[str, str] | None:
    """The texts of f and df of an activation that was typed; None of anything else."""
    if isinstance(value, Formula) and isinstance(value.f, Written) and isinstance(value.df, Written):
        return value.f.text, value.df.text
    return None


def plain(value: Any) -> Any:
    """A field as a plain value: rules as their text, formulas as the texts of f and df."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    texts = written_texts(value)
    if texts is not None:
        return dict(zip(("f", "df"), texts, strict=True))
    return repr(value) if isinstance(value, Rule) else value
