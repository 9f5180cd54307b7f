"""Each lesson opens, and what it claims is so: measured by the playground's own code, over several seeds."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from handgrad.cli import app
from handgrad.datasets import INPUTS
from handgrad.playground.comparing import comparison_of
from handgrad.playground.document import Document
from handgrad.playground.exporting import _KINDS
from handgrad.playground.jobs import Answer
from handgrad.playground.lessons import BOUNDED, EXPECTED, lesson, lessons, opened, read_folder, read_lesson
from handgrad.playground.limits import Limits
from handgrad.playground.proving import proof_of, traced
from handgrad.playground.run import Run
from handgrad.playground.scene import scene_of
from handgrad.playground.session import _ASKED, Session
from handgrad.playground.speaking import Watch
from handgrad.written import FUNCTIONS

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "playground.md").read_text(encoding="utf-8")
LIMITS = Limits()
SEEDS = range(5)  # a claim must not be one seed's luck
LOOKS = 20  # at the signals, spread over a run
NAMES = [each["name"] for each in lessons()]
TRIES = [(name, number) for name in NAMES for number in range(len(lesson(name)["try"]))]
CLAIMS = [(name, number) for name, number in TRIES if lesson(name)["try"][number]["expect"]]

# what runs a planted mistake is the plain engine, on purpose
pytestmark = pytest.mark.filterwarnings("ignore:this network runs on NumPy")


def run_of(document: dict[str, Any], **changes: Any) -> Run:
    read = Document.from_json(document | changes, LIMITS)
    return Run(read, scene_of(read, LIMITS), LIMITS)


def measured(run: Run) -> dict[str, float]:
    return run.measured_of(run.net)


def tell(answer: Answer) -> None:
    """Nobody waits."""


def number_of(name: str, words: str) -> int:
    """Which try of a lesson has these words."""
    (found,) = [number for number, each in enumerate(lesson(name)["try"]) if words in each["text"]]
    return found


# --- the files --------------------------------------------------------------------------------------------------------


def test_the_lessons_stand_in_the_order_of_the_notebook() -> None:
    assert NAMES == [
        "01-a-network-that-learns",
        "02-backpropagation-by-hand",
        "03-prove-it",
        "04-initialisation",
        "05-activations",
        "06-depth-and-width",
        "07-batches-and-learning-rate",
        "08-overfitting",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_short_and_plain(name: str) -> None:
    found = lesson(name)
    assert 3 <= len(found["text"]) <= 5
    assert 5 <= len(found["try"]) <= 9
    german = found["de"]
    assert [len(german[key]) for key in ("text", "try", "more")] == [len(found[key]) for key in ("text", "try", "more")]
    english = (*found["text"], *(each["text"] for each in found["try"]), *found["more"])
    for text in (*english, *german["text"], *german["try"], *german["more"]):
        assert len(text) <= 420
        assert text.count("`") % 2 == 0
        assert not re.search(r"[<>]\w|\*\*\w|\]\(", text)  # no markup but backticks


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_numbers_and_formulas(name: str) -> None:
    found = lesson(name)
    pairs = [*zip(found["text"], found["de"]["text"], strict=True)]
    pairs += [(each["text"], german) for each, german in zip(found["try"], found["de"]["try"], strict=True)]
    for english, german in pairs:
        assert figures(english) == figures(german)


def figures(text: str) -> list[str]:
    """Numbers in a text, decimal comma or point."""
    return sorted(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d)", ".", text)))


@pytest.mark.parametrize(("name", "number"), CLAIMS)
def test_a_run_stops_at_the_epoch_that_its_text_speaks_of(name: str, number: int) -> None:
    each = lesson(name)["try"][number]
    planned = opened(lesson(name), number)["training"]["epochs"]
    if each["do"] == {"do": "run"}:
        assert each["expect"]["epochs"] == planned
    spoken = re.findall(r"(\d+) epochs", each["text"])
    if each["do"] in ({"do": "run"}, None) and spoken:
        assert str(planned) in spoken


@pytest.mark.parametrize("name", NAMES)
def test_a_session_opens_a_lesson_and_all_its_tries(name: str) -> None:
    session = Session(LIMITS)
    for number in (None, *range(len(lesson(name)["try"]))):
        document = opened(lesson(name), number)
        document["view"] = document.get("view", {}) | {"lesson": name}
        (state,) = session.handle({"do": "open", "document": document})
        assert state["document"]["view"]["lesson"] == name
        session.handle({"do": "step", "unit": "epoch"})
        assert len(session.frame()) > 1000
        message = None if number is None else lesson(name)["try"][number]["do"]
        if message is not None:
            session.handle({"do": "open", "document": document})
            session.handle(message)


def test_a_folder_of_ones_own_comes_after_our_lessons(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps({"title": "Mine", "text": ["One paragraph."]}), encoding="utf-8")
    assert read_folder(tmp_path) == {
        "mine": {"title": "Mine", "text": ["One paragraph."], "document": {}, "try": [], "more": []}
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "the lesson is"),
        ({"title": " ", "text": []}, "title"),
        ({"title": "T", "text": "one"}, "text is no list of paragraphs"),
        ({"title": "T", "text": [], "texts": []}, "texts"),
        ({"title": "T", "text": [], "document": {"network": {"activation": "rilu"}}}, "rilu"),
        ({"title": "T", "text": [], "try": {}}, "try is no list"),
        ({"title": "T", "text": [], "try": [{"document": {}}]}, r"try\[0\].text"),
        ({"title": "T", "text": [], "try": [{"text": "t", "document": {"network": 3}}]}, "network is no object"),
        ({"title": "T", "text": [], "try": [{"text": "t", "document": {"seed": -1}}]}, r"try\[0\].*seed"),
        ({"title": "T", "text": [], "try": [{"text": "t", "do": {"do": "format"}}]}, r"try\[0\].do"),
        (
            {"title": "T", "text": [], "try": [{"text": "t"}], "de": {"try": []}, "fr": {"try": ["a", "b"]}},
            "fr.try has 2",
        ),
        ({"title": "T", "text": [], "de": {"titel": "T"}}, "titel"),
        ({"title": "T", "text": [], "try": [{"text": "t", "expect": {"loss": [0, 1]}}]}, "loss"),
        ({"title": "T", "text": [], "try": [{"text": "t", "expect": {"train_loss": 1}}]}, "expected .low, high."),
    ],
)
def test_what_is_wrong_with_a_lesson_is_said(wrong: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        read_lesson(wrong)
    (tmp_path / "wrong.json").write_text(json.dumps(wrong), encoding="utf-8")
    with pytest.raises(ValueError, match=r"lesson wrong.json: "):
        read_folder(tmp_path)


# --- the claims -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "number"), CLAIMS, ids=[f"{name[:2]}-{number}" for name, number in CLAIMS])
def test_what_a_lesson_claims_is_so(name: str, number: int) -> None:
    each, document = lesson(name)["try"][number], opened(lesson(name), number)
    assert "seed" not in document
    if "verdict" in each["expect"]:
        check_comparison(run_of(document), each)
    else:
        for seed in SEEDS:
            check(run_of(document, seed=seed), each)


def check(run: Run, each: dict[str, Any]) -> None:
    """All that `expect` says of this run; signals and doctor only where it speaks of them."""
    expect, message = each["expect"], each["do"] or {}
    watched = {"signals", "doctor"} & set(expect)
    watch = Watch(run) if watched else None
    epochs = expect.get("epochs", 0)
    if watch is not None:
        watch.look(run)
    while run.epoch < epochs and run.diverged is None:
        run.advance(min(max(1, epochs // LOOKS), epochs - run.epoch))
        if watch is not None:
            watch.look(run)
    assert run.epoch == epochs or run.diverged
    assert (run.diverged is not None) == expect.get("diverged", False)

    found = measured(run)
    for figure in set(BOUNDED) & set(expect):
        assert_within(figure, found[figure], expect[figure])
    if watch is not None:
        layers = {layer["layer"]: layer for layer in watch.look(run)["layers"]}
        for figure, bounds in expect.get("signals", {}).items():
            layer, _, column = figure.partition(".")
            assert_within(figure, layers[layer][column], bounds)
        slugs = {finding["slug"] for finding in watch.diagnose(run)["findings"]}
        wanted = set(expect.get("doctor", slugs))
        assert wanted <= slugs if wanted else not slugs
    if "proof" in expect:
        proof = proof_of(run).work(tell)
        assert proof["verdict"] == expect["proof"]
        if "cause" in expect:
            assert expect["cause"] in {finding["cause"] for finding in proof["findings"]}
    if "formulas" in expect:
        told = traced(run, run.net, message["row"], message["part"])["trace"]
        assert set(expect["formulas"]) <= {step["formula"] for step in told["steps"]}


def check_comparison(run: Run, each: dict[str, Any]) -> None:
    message = each["do"]
    answer = comparison_of(run, message["with"], message["seeds"], LIMITS).work(tell)
    assert answer["epochs"] == run.document.training.epochs
    assert each["expect"]["verdict"] in answer["verdict"]


def assert_within(figure: str, value: float, bounds: list[float | None]) -> None:
    low, high = (limit if each is None else each for each, limit in zip(bounds, (-np.inf, np.inf), strict=True))
    assert low <= value <= high, f"{figure} is {value}, not in {bounds}"


# --- claims that need more than an interval ---------------------------------------------------------------------------


def test_lesson_1_has_52_numbers_and_210_rows() -> None:
    run = run_of(opened(lesson(NAMES[0])))
    assert run.net.layout.size == 52
    assert (len(run.scene.train.X), len(run.scene.test.X)) == (210, 90)
    assert run.training.settings.steps(210) == 1
    assert {"52 numbers", "210 training rows", "90 rows"} <= set(re.findall(r"\d+ \w+(?: rows)?", said(NAMES[0])))


def test_lesson_2_a_unit_that_is_off_learns_nothing_from_the_row() -> None:
    number = number_of(NAMES[1], "with relu")
    run = run_of(opened(lesson(NAMES[1]), number))
    steps = traced(run, run.net, 0, "train")["trace"]["steps"]
    Z, dW = (
        next(step["value"] for step in steps if (step["layer"], step["symbol"]) == ("dense1", symbol))
        for symbol in ("Z", "dW")
    )
    off = np.array(Z)[0] <= 0
    assert off.tolist() == [True, False]
    assert (np.array(dW)[:, off] == 0).all()
    assert (np.array(dW)[:, ~off] != 0).all()


def test_lesson_2_a_step_moves_each_weight_by_the_rate_times_its_gradient() -> None:
    run = run_of(opened(lesson(NAMES[1]), number_of(NAMES[1], "one step")))
    X, y = run.scene.train
    before, gradient = run.net.params.copy(), run.net.gradient(X, y)[1]
    rows = [run.net.gradient(X[row : row + 1], y[row : row + 1])[1] for row in range(len(X))]
    np.testing.assert_allclose(np.mean(rows, axis=0), gradient, atol=1e-15)
    run.advance()
    np.testing.assert_allclose(run.net.params, before - 0.5 * gradient, rtol=1e-12)


def test_lesson_2_frozen_weights_stay_to_the_last_bit() -> None:
    run = run_of(opened(lesson(NAMES[1]), number_of(NAMES[1], "Freeze")))
    before = {name: run.net[name].copy() for name in run.net.parameter_names}
    run.advance(100)
    moved = {name for name, values in before.items() if (run.net[name] != values).any()}
    assert moved == {"dense2.W", "dense2.b"}


def test_lesson_3_twice_the_gradient_is_twice_the_learning_rate() -> None:
    plain = opened(lesson(NAMES[2]))
    wrong = run_of(plain, mistake="factor 2")
    right = run_of(plain | {"training": plain["training"] | {"learning_rate": 1.0}})
    wrong.advance(100)
    right.advance(100)
    assert measured(wrong)["train_loss"] == pytest.approx(measured(right)["train_loss"], rel=1e-9)


def test_lesson_3_one_wrong_entry_shows_in_no_curve() -> None:
    plain = opened(lesson(NAMES[2]))
    runs = [run_of(plain), run_of(plain, mistake="one entry")]
    for run in runs:
        run.advance(1000)
    assert measured(runs[0])["train_loss"] == pytest.approx(measured(runs[1])["train_loss"], abs=1e-3)


def test_lesson_4_glorot_gives_relu_a_144th_of_the_variance() -> None:
    found = []
    for words in ("Relu with He", "Relu with Glorot"):
        run = run_of(opened(lesson(NAMES[3]), number_of(NAMES[3], words)))
        layers = {layer["layer"]: layer for layer in Watch(run).look(run)["layers"]}
        found.append((layers["activation1"]["variance"], layers["activation5"]["variance"]))
    (he_first, he_last), (glorot_first, glorot_last) = found
    assert he_first / glorot_first == pytest.approx(9)
    assert he_last / glorot_last == pytest.approx(144)


def test_lesson_4_theory_has_a_say_in_each_try_whose_weights_are_not_zero() -> None:
    session = Session(LIMITS)
    for number, each in enumerate(lesson(NAMES[3])["try"]):
        (state,) = session.handle({"do": "open", "document": opened(lesson(NAMES[3]), number)})
        assert (state["theory"] is None) == ("zeros" in str(each["document"]))
        if state["theory"] is not None:
            assert len(state["theory"]["variance"]) == 5


def test_lesson_6_and_8_count_their_numbers() -> None:
    for name, words in ((NAMES[5], "162 numbers"), (NAMES[5], "114 numbers"), (NAMES[7], "17 numbers")):
        run = run_of(opened(lesson(name), number_of(name, words)))
        assert f"{run.net.layout.size} numbers" == words
    run = run_of(opened(lesson(NAMES[7])))
    assert f"{run.net.layout.size} numbers" in said(NAMES[7])
    assert f"{len(run.scene.train.X)} noisy training rows" in said(NAMES[7])


def test_lesson_7_counts_its_steps() -> None:
    run = run_of(opened(lesson(NAMES[6]), number_of(NAMES[6], "4200 steps")))
    assert run.training.settings.steps(len(run.scene.train.X)) == 21
    assert 21 * run.document.training.epochs == 4200


def test_lesson_7_some_seeds_say_the_opposite_of_fifty() -> None:
    number = number_of(NAMES[6], "in some of the 50")
    message = lesson(NAMES[6])["try"][number]["do"]
    answer = comparison_of(run_of(opened(lesson(NAMES[6]), number)), message["with"], 50, LIMITS).work(tell)
    tanh, relu = (np.array(setting["values"]) for setting in answer["settings"])
    assert 5 <= (relu > tanh).sum() < (tanh > relu).sum()


# --- the page in the docs ---------------------------------------------------------------------------------------------


def test_the_docs_documents_are_documents() -> None:
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCS, flags=re.DOTALL)]
    own_lesson, *documents = blocks
    assert len(documents) == 3
    for document in documents:
        Session(LIMITS).handle({"do": "open", "document": document})
    assert documents[0] == Document().to_json()
    read = read_lesson(own_lesson)
    for number, each in enumerate(read["try"]):
        for seed in SEEDS:
            check(run_of(opened(read, number), seed=seed), each)


def test_the_docs_tell_every_field_limit_and_message() -> None:
    told = set(re.findall(r"`(?:\w+\.)?(\w+)`", DOCS))
    document = Document().to_json()
    fields = {name for key, value in document.items() for name in (value if isinstance(value, dict) else (key,))}
    assert fields <= told
    assert set(EXPECTED) | {"title", "text", "try", "more", "do"} <= told
    assert {*_ASKED, "stop", "seen"} <= told
    assert set(FUNCTIONS) | set(INPUTS) <= set(re.findall(r"\w+", DOCS))
    limits = DOCS.split("## Limits")[1].split("## Who gets in")[0]
    for name, value in LIMITS.to_dict().items():
        (row,) = [line for line in limits.splitlines() if line.startswith("|") and f"`{name}`" in line]
        assert f"{value:,}" in row
    for kind in _KINDS:
        assert kind in DOCS


def test_the_options_in_the_docs_are_there() -> None:
    told = CliRunner().invoke(app, ["play", "--help"]).output
    for option in ("--port", "--host", "--no-browser"):
        assert option in DOCS
        assert option in told


def said(name: str) -> str:
    return " ".join(lesson(name)["text"])
