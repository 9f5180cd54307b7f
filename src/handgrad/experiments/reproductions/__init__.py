"""Reproductions: published experiments, their figures beside what our seeds give."""

from handgrad.experiments.reproductions import nielsen_1, nielsen_3, notebook
from handgrad.experiments.reproductions.reproduction import Finding, Reproduced, Reproduction
from handgrad.experiments.reproductions.verdicts import Verdict
from handgrad.rules import unknown

__all__ = ["REPRODUCTIONS", "Finding", "Reproduced", "Reproduction", "Verdict", "find"]

REPRODUCTIONS = {each.REPRODUCTION.name: each.REPRODUCTION for each in (notebook, nielsen_1, nielsen_3)}


def find(name: str) -> Reproduction:
    """The reproduction of that name; ValueError names the known ones."""
    if name not in REPRODUCTIONS:
        raise unknown("reproduction", name, REPRODUCTIONS)
    return REPRODUCTIONS[name]
