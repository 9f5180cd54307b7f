"""The comparison of gradient checkers: its cases are what it says, its tools judge, its page counts."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handgrad.gradcheck import check_network
from handgrad.gradcheck.mistakes import MISTAKES
from handgrad.network.recording import record_outputs

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import checker_page
import checker_tools
import gradient_checkers
from checker_cases import KINKED, case, matters, planted

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # wrong gradients may overflow
TOOLS = ["check_gradient", "check_network", "textbook", "scipy_strict", "scipy_loose"]


def test_the_mistakes_take_turns_and_matter() -> None:
    turn = [case(number, seed=1) for number in range(len(MISTAKES))]
    assert [each.mistake for each in turn] == list(MISTAKES.values())
    assert sum(each.kinks for each in turn) == len(turn) // 3
    assert sum(map(matters, turn)) > 0.9 * len(turn)


def test_cases_on_kinks_have_pre_activations_of_zero() -> None:
    for number in range(0, 30, 3):
        one = case(number, seed=0)
        formula = next(leaf.layer for leaf in one.net.leaves if leaf.layer.kind == "activation").formula
        Z = record_outputs(one.net, one.data["X"], training=True)["dense1"]
        assert one.kinks
        assert formula.name in KINKED
        assert (Z[0] == 0).all()
        assert one.net["dense1.W"].any()


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_tell_right_from_wrong(tool: str) -> None:
    one = case(1, seed=0)
    assert one.mistake.name == "sign"
    assert checker_tools.judged(tool, one.net, one.data).outcome == "right"
    assert checker_tools.judged(tool, planted(one), one.data).outcome == "wrong"


def test_an_error_is_an_alarm_and_is_noted() -> None:
    verdict = checker_tools.judged("textbook", case(1, seed=0).net, {"X": np.ones((2, 99)), "y": [0, 1]})
    assert verdict.outcome == "wrong"
    assert "ValueError" in verdict.note


def test_the_page_counts_what_was_judged() -> None:
    tools = ["check_network", "textbook"]
    records = [json.loads(json.dumps(gradient_checkers.measured((number, 0, tools)))) for number in (1, 2)]
    found: list[Any] = records[1]["verdicts"]["textbook"]["wrong"]
    found[0] = "right"  # as if it had missed one
    text = checker_page.page(records, tools, ["jax"])
    row = next(line for line in text.splitlines() if line.startswith("| textbook |"))
    assert row.split(" | ")[1] == "50.0% (1/2)"
    assert "Not installed, left out: jax" in text
    assert f"{records[1]['mistake']} 1" in text


@pytest.mark.long
def test_right_networks_are_never_accused_and_planted_mistakes_are_found_and_named() -> None:
    """Two rounds of the catalogue; `benchmarks/gradient_checkers.py` measures more, and other tools beside."""
    cases = [case(number, seed=23) for number in range(2 * len(MISTAKES))]
    for each in cases:
        report = check_network(each.net, **each.data)
        assert report.passed or report.inconclusive, f"case {each.number}: {report}"
    wrong = [each for each in cases if matters(each)]
    reports = [check_network(planted(each), **each.data) for each in wrong]
    assert not [each.number for each, report in zip(wrong, reports, strict=True) if report.passed]
    named = [
        report.findings[0].cause == each.mistake.cause
        for each, report in zip(wrong, reports, strict=True)
        if each.mistake.cause != "unknown"
    ]
    assert sum(named) >= 0.95 * len(named)
