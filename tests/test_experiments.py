"""The comparisons: statistics against independent calculations, pairing by seed, words, and the report's page."""

import base64
import os
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import handgrad as hg
from handgrad.experiments import (
    Setting,
    conclude,
    demo_report,
    pictures,
    take_tour,
    train_all,
    train_setting,
    write_atomically,
)
from handgrad.experiments.comparison import draw
from handgrad.experiments.page import figure, paragraph, table
from handgrad.experiments.pictures import Picture
from handgrad.experiments.statistics import Interval, Pair, compare
from handgrad.experiments.tour import five_comparisons, train_notebook
from handgrad.experiments.words import conclusion, outlook, p_value, percent, points


@pytest.fixture
def draws():
    return np.random.default_rng(0)


# --- words ------------------------------------------------------------------------------------------------------------


def test_figures_in_words():
    assert percent(Interval(0.9711, 0.968, 0.9742)) == "97.1 % [96.8, 97.4]"
    assert points(Interval(0.004, -0.001, 0.009)) == "+0.4 [−0.1, +0.9]"
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
    ("accuracies", "starts", "says"),
    [
        ({"full batch": 0.9, "batches of 64": 0.95, "batches of 16": 0.92}, "batches of 64 is best", "full batch"),
        ({"full batch": 0.9, "batches of 64": 0.9, "batches of 16": 0.9}, "No winner", "more seeds"),
        ({"full batch": 0.8, "batches of 64": 0.95, "batches of 16": 0.95}, "No single winner", "better than full"),
    ],
)
def test_conclusion_names_a_winner_only_where_there_is_one(accuracies, starts, says, draws):
    comparison = next(each for each in five_comparisons(2) if each.name == "batch_size")
    outcomes = train_all(dict.fromkeys(comparison.settings.values(), range(30)))
    for name, setting in comparison.settings.items():
        outcomes[setting].accuracy[:] = accuracies[name] + 0.01 * draws.normal(size=30)
    words = conclusion(conclude(comparison, outcomes))
    assert words.startswith(starts)
    assert says in words


# --- training ---------------------------------------------------------------------------------------------------------


def test_each_seed_has_data_of_its_own_and_all_settings_share_it():
    (X, y), (X_test, y_test) = draw("moons", 3)
    expected = hg.datasets.moons(n=300, noise=0.2, seed=3).split(test=0.3, seed=3, standardise=False)
    assert np.array_equal(X, expected[0].X)
    assert np.array_equal(y_test, expected[1].y)
    assert (len(y), len(X_test)) == (210, 90)
    assert not np.array_equal(X, draw("moons", 4)[0][0])


@pytest.mark.parametrize("setting", [Setting(epochs=5), Setting(epochs=3, batch_size=64, activation="tanh", l2=0.01)])
def test_a_seed_of_a_comparison_is_that_network_trained_alone(setting):
    outcome = train_setting(setting, range(4))
    (X, y), (X_test, y_test) = draw("moons", 2)
    net = hg.Network.mlp([2, 10, 2], activation=setting.activation, l2=setting.l2, seed=2)
    optimizer = hg.SGD(0.5)
    history = hg.train(net, X, y, epochs=setting.epochs, batch_size=setting.batch_size, optimizer=optimizer)
    assert np.array_equal(outcome.params[2], net.params)
    assert np.array_equal(outcome.loss[:, 2], history.loss)
    assert outcome.accuracy[2] == (net.predict(X_test) == y_test).mean()
    assert np.array_equal(outcome.network(2).predict(X_test), net.predict(X_test))


def test_settings_start_from_the_same_draws():
    small = Setting(init="normal(0.01)").networks(2, 2, 5)
    large = Setting(init="normal(1.0)", activation="tanh").networks(2, 2, 5)
    assert np.allclose(100 * small["dense1.W"], large["dense1.W"])


def test_outcomes_do_not_depend_on_how_the_work_is_shared():
    jobs = {Setting(epochs=2): range(3), Setting(epochs=2, hidden=(4, 4)): range(3)}
    seen = []
    plain = train_all(jobs, progress=lambda done, total: seen.append((done, total)))
    backwards = train_all(jobs, run=lambda function, *columns: reversed(list(map(function, *columns))))
    assert seen == [(0, 2), (1, 2), (2, 2)]
    for setting in jobs:
        assert np.array_equal(plain[setting].params, backwards[setting].params)


def test_divergence_is_counted():
    outcome = train_setting(Setting(epochs=30, activation="identity", l2=1e6), range(2))
    assert outcome.diverged == 2
    assert np.isfinite(outcome.params).all()


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
    assert [result.comparison.name for result in tour.results] == ["init", "activation", "depth", "batch_size", "l2"]
    assert all(proof.passed for proof in tour.proofs.values())
    assert {len(outcome.accuracy) for result in tour.results for outcome in result.outcomes.values()} == {3}


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
    assert [image["class"] for image in reader.images] == ["light", "dark"] * 21


def test_page_shows_the_figures(tour, page):
    for result in tour.results:
        assert conclusion(result).split(".")[0] in page
        for outcome in result.outcomes.values():
            assert percent(outcome.interval) in page
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
