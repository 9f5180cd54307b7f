"""The comparisons: statistics against independent calculations, pairing by seed, words, and the report's page."""

import base64
import os
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from handgrad.experiments import Study, demo_report, pictures, take_tour, write_atomically
from handgrad.experiments.page import figure, paragraph, table
from handgrad.experiments.pictures import Picture
from handgrad.experiments.report import study_report
from handgrad.experiments.sections import findings
from handgrad.experiments.statistics import Interval, Pair, compare, compare_all
from handgrad.experiments.tour import train_notebook
from handgrad.experiments.words import conclusion, difference_in_words, in_words, outlook, p_value


@pytest.fixture
def draws():
    return np.random.default_rng(0)


# --- words ------------------------------------------------------------------------------------------------------------


def test_figures_in_words():
    assert in_words("test_accuracy", Interval(0.9711, 0.968, 0.9742)) == "97.1 % [96.8, 97.4]"
    assert in_words("test_r2", Interval(-0.25, -0.5, 0.1234)) == "−0.25 [−0.5, 0.123]"
    assert difference_in_words("test_accuracy", Interval(0.004, -0.001, 0.009)) == "+0.4 [−0.1, +0.9]"
    assert difference_in_words("test_r2", Interval(0.004, -0.001, 0.009)) == "+0.004 [−0.001, +0.009]"
    assert [p_value(p) for p in (1e-9, 0.0234, 0.5)] == ["< 0.001", "0.023", "0.50"]


@pytest.mark.parametrize(
    ("p", "more", "words"),
    [
        (0.01, None, ""),
        (0.4, 120, "about 120 more seeds would tell"),
        (0.4, None, "no difference was seen"),
        (0.4, 20_000, "more than 10,000 more seeds would be needed"),
    ],
)
def test_outlook(p, more, words):
    difference, improvement = Interval(0.1, 0, 0.2), Interval(0.6, 0.4, 0.8)
    assert outlook(Pair(a="a", b="b", difference=difference, improvement=improvement, p=p, more_seeds=more)) == words


def test_outlook_on_settings_that_are_equivalent():
    pair = compare([0.9] * 9, [0.9] * 9, margin=0.01)
    assert (pair.verdict, outlook(pair)) == ("equivalent", "no difference that matters")


@pytest.mark.parametrize(
    ("accuracies", "margin", "starts", "says"),
    [
        ((0.9, 0.95, 0.92), 0.0, "64 is best: better than 16 and full.", ""),
        ((0.9, 0.9, 0.9), 0.0, "No winner", "more seeds"),
        ((0.8, 0.95, 0.95), 0.0, "No single winner", "better than full"),
        ((0.8, 0.95, 0.95), 0.02, "No single winner", "equivalent to"),
    ],
)
def test_conclusion_names_a_winner_only_where_there_is_one(accuracies, margin, starts, says, draws):
    values = {
        name: mean + 0.01 * draws.normal(size=30) for name, mean in zip(("full", "64", "16"), accuracies, strict=True)
    }
    pairs = compare_all(values, margin=margin)
    best = max(values, key=lambda name: values[name].mean())
    against = [pair if pair.a == best else pair.reversed() for pair in pairs if best in (pair.a, pair.b)]
    words = conclusion(best, sorted(against, key=lambda pair: pair.difference.value))
    assert words.startswith(starts)
    assert says in words


# --- training ---------------------------------------------------------------------------------------------------------


def test_divergence_is_counted():
    training = {"epochs": 30, "learning_rate": 0.5, "batch_size": None}
    result = Study("moons", {"activation": "identity", "l2": 1e6}, training, seeds=2).run()
    assert result.diverged == {(): 2}
    assert np.isfinite(result.values()[()]).all()
    assert "Diverged, and measured where they stopped: 2 of all." in "".join(findings(result))


def test_the_notebooks_figures():
    notebook = train_notebook()
    assert np.allclose(notebook.loss[[199, 399, 599, 799, 999]], [0.2782, 0.1790, 0.1101, 0.0989, 0.0958], atol=1e-4)
    assert (round(notebook.accuracy, 4), round(notebook.test_accuracy, 4)) == (0.9619, 0.9889)


@pytest.mark.parametrize("wrong", [{"seeds": 1}, {"epochs": 0}, {"digits_epochs": 0}])
def test_tour_refuses(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        take_tour(**wrong)


# --- the report -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tour():
    return take_tour(seeds=3, epochs=5, digits_epochs=1)


@pytest.fixture(scope="module")
def page(tour):
    return demo_report(tour)


class Reader(HTMLParser):
    """Balance of tags, and all attributes."""

    VOID = ("meta", "img", "source", "br", "link", "input")

    def __init__(self):
        super().__init__()
        self.open, self.attributes, self.images = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.attributes += attrs
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(page):
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    return reader


def test_tour_has_all_parts(tour):
    assert [each.comparison.name for each in tour.answers] == ["init", "activation", "depth", "batch_size", "l2"]
    assert all(proof.passed for proof in tour.proofs.values())
    assert {len(values) for each in tour.answers for values in each.result.values().values()} == {3}


def test_page_asks_for_nothing_from_outside(page):
    markup = re.sub(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"https?:|//|@import|url\(|<script|<link|<iframe", markup)
    for name, value in read(page).attributes:
        if name in ("src", "href"):
            assert value.startswith(("data:image/", "#"))


def test_pictures_of_the_page_ask_for_nothing_either(page):
    for kind, content in re.findall(r"data:image/([a-z+]+);base64,([A-Za-z0-9+/=]+)", page):
        picture = base64.b64decode(content)
        if kind == "png":
            assert picture.startswith(b"\x89PNG")
            continue
        for element in ET.fromstring(picture).iter():
            for name, value in element.attrib.items():
                assert not name.endswith("href") or value.startswith(("#", "data:"))


def test_page_is_whole(page):
    reader = read(page)
    anchors = {value for name, value in reader.attributes if name == "id"}
    links = {value.removeprefix("#") for name, value in reader.attributes if name == "href"}
    assert anchors == links
    assert {"notebook", "digits", "proofs", "init", "activation", "depth", "batch_size", "l2", "method"} <= anchors
    assert all(image["alt"] for image in reader.images)
    assert [image["class"] for image in reader.images] == ["light", "dark"] * 31


def test_page_shows_the_figures(tour, page):
    for each in tour.answers:
        assert each.result.conclusion().split(".")[0] in page
        for interval in each.result.intervals().values():
            assert in_words("test_accuracy", interval) in page
    assert "98.89 %" in page


def test_light_and_dark_pictures_differ(page):
    sources = [image["src"] for image in read(page).images]
    assert len(set(sources)) == len(sources)


def test_the_same_result_gives_the_same_pictures(tour):
    assert pictures.notebook_pictures(tour.notebook) == pictures.notebook_pictures(tour.notebook)


def test_text_is_escaped():
    picture = Picture("data:image/png;base64,AA==", "data:image/png;base64,AA==", 'a "picture" <1>')
    assert "<b>" not in paragraph("<b>&") + table("<b>", ["<b>"], [["<b>"]], "l") + figure(picture, "<b>")
    assert 'alt="a &quot;picture&quot; &lt;1&gt;"' in figure(picture)


def test_writing_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "index.html"
    write_atomically(path, "first\n")
    assert path.read_bytes() == b"first\n"

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "second")
    assert path.read_bytes() == b"first\n"
    assert [each.name for each in path.parent.iterdir()] == ["index.html"]


# --- the report of a study --------------------------------------------------------------------------------------------


def test_a_report_of_any_study_is_whole(tmp_path):
    study = Study(
        "moons", training={"epochs": 5}, vary={"init": ["small", "he"], "activation": ["relu", "tanh"]}, seeds=3
    )
    result = study.run()
    page = study_report(result, "handgrad compare moons --seeds 3", margin=0.01)
    reader = read(page)
    test_page_asks_for_nothing_from_outside(page)
    assert len([image for image in reader.images if image["class"] == "dark"]) == 5
    assert all(image["alt"] for image in reader.images)
    for said in ("handgrad compare moons", "network.init", "varies", "training.optimizer.learning_rate", "tanh"):
        assert said in page
    result.report(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    "fields", [{"seeds": 1, "vary": {"l2": [0, 0.1]}}, {"seeds": 3}, {"data": "diabetes", "seeds": 2}]
)
def test_small_studies_and_regression_have_a_report_too(fields):
    assert "What can be concluded" in study_report(Study(training={"epochs": 3}, **fields).run())
