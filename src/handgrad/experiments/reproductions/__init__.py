"""Reproductions: published experiments, their figures beside what our seeds give."""

from handgrad.experiments.reproductions import (
    glorot2010,
    he2015,
    lu2019,
    nielsen_1,
    nielsen_3,
    notebook,
    schoenholz2017,
    selu2017,
)
from handgrad.experiments.reproductions.reproduction import Finding, Reproduced, Reproduction
from handgrad.experiments.reproductions.verdicts import Verdict
from handgrad.rules import unknown

__all__ = ["REPRODUCTIONS", "Finding", "Reproduced", "Reproduction", "Verdict", "find"]

_MODULES = (notebook, he2015, nielsen_1, nielsen_3, schoenholz2017, glorot2010, lu2019, selu2017)
REPRODUCTIONS = {each.REPRODUCTION.name: each.REPRODUCTION for each in _MODULES}


def find(name: str) -> Reproduction:
    """The reproduction of that name; ValueError names the known ones."""
    if name not in REPRODUCTIONS:
        raise unknown("reproduction", name, REPRODUCTIONS)
    return REPRODUCTIONS[name]
