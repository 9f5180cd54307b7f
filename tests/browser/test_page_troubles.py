"""When things go wrong: a network that diverges, a server that goes, weights that are ill, requests too large."""

from pathlib import Path

import numpy as np
from playwright.sync_api import expect

from . import reference
from .conftest import Opener
from .page import Playground
from .pages import PHONE
from .serving import Server

HOT = {"data": {"name": "regression_plane"}, "training": {"learning_rate": 0.05}}


def diverge(play: Playground) -> None:
    """Two good epochs, then a learning rate that no network stands."""
    play.open(HOT)
    play.step(2)
    play.fill("learning-rate", "1000000")
    play.until_document("training.learning_rate", 1_000_000)
    play.click("run")
    play.until("store.frame.header.diverged")


def test_a_divergence_is_told_and_can_be_rewound(play: Playground) -> None:
    diverge(play)
    message = play.header["diverged"]
    expect(play.get("diverged")).to_be_visible()
    expect(play.get("diverged")).to_contain_text(message)
    assert not play.header["running"]
    rewind = play.header["kept"].index(2)
    play.slide("rewind", rewind)
    play.until("!store.frame.header.diverged && store.frame.header.epoch === 2")
    expect(play.get("diverged")).to_be_hidden()
    before = play.document | {"training": play.document["training"] | HOT["training"]}
    np.testing.assert_array_equal(play.params, reference.trained(before, 2).params)
    play.fill("learning-rate", "0.01")
    play.until_document("training.learning_rate", 0.01)
    play.step()
    assert play.header["diverged"] is None


def test_the_way_back_is_offered_after_a_divergence(play: Playground) -> None:
    diverge(play)
    play.get("diverged").get_by_test_id("diverged-rewind").click()
    play.until("!store.frame.header.diverged && store.frame.header.epoch === 2")
    before = play.document | {"training": play.document["training"] | HOT["training"]}
    np.testing.assert_array_equal(play.params, reference.trained(before, 2).params)
    expect(play.get("diverged")).to_be_hidden()


def test_the_way_back_passes_over_epochs_of_a_giant_loss(play: Playground) -> None:
    play.open({"data": {"name": "regression_plane"}, "training": {"learning_rate": 50}})
    play.click("run")
    play.until("store.frame.header.diverged")
    curves, kept = play.store("store.curves"), play.header["kept"]
    losses = {epoch: loss for epoch, loss in zip(curves["epoch"], curves["train_loss"], strict=True) if epoch in kept}
    assert losses[max(losses)] > 1e6
    expect(play.get("diverged-rewind")).to_have_text("Back to the best epoch")
    play.click("diverged-rewind")
    best = min(losses, key=losses.__getitem__)
    play.until("!store.frame.header.diverged && store.frame.header.epoch === given", best)
    assert play.header["metrics"]["train_loss"] == losses[best]


def test_a_divergence_can_be_reset_on_a_telephone(visit: Opener, server: Server) -> None:
    play = visit(server, **PHONE)
    diverge(play)
    banner = play.get("diverged").bounding_box()
    assert banner is not None
    assert banner["height"] < 250  # it leaves room for the page
    play.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(play.get("diverged")).to_be_in_viewport()
    play.get("diverged").get_by_role("button").last.click()
    play.until("!store.frame.header.diverged && store.frame.header.epoch === 0")
    expect(play.get("diverged")).to_be_hidden()


def test_running_on_after_a_divergence_is_refused_in_words(play: Playground) -> None:
    diverge(play)
    play.click("run")
    expect(play.get("error")).to_contain_text("diverged")


def test_a_server_that_goes_and_comes_back(visit: Opener, folder: Path) -> None:
    with Server(folder) as own:
        play = visit(own, "")
        play.guard.forgives_losses = True
        play.click("add-layer")
        play.until_document("network.hidden_sizes", [4, 3, 3])
        play.step(3)
        before, frames = play.params, play.header["frame"]
        own.stop()
        expect(play.get("connection")).to_contain_text("gone")
        own.start()
        play.until("store.linked && store.frame.header.frame < given", frames)  # it counts anew
        expect(play.get("connection")).to_be_hidden()
        assert (play.epoch, play.text("epoch")) == (3, "3")
        np.testing.assert_array_equal(play.params, before)
        assert play.store("store.curves.epoch") == [0, 1, 2, 3]
        play.step()
        net = reference.network(play.document)
        net.params = before
        reference.training(play.document, net).run(epochs=1)
        np.testing.assert_array_equal(play.params, net.params)


def test_a_change_that_nobody_heard_is_made_when_the_line_is_back(play: Playground) -> None:
    play.step()
    play.store("store.connection.socket.close()")
    play.until("!store.linked")
    expect(play.get("connection")).to_be_visible()
    play.click("add-unit-0")
    play.until_document("network.hidden_sizes", [5, 3])
    expect(play.get("connection")).to_be_hidden()
    np.testing.assert_array_equal(play.params, reference.network(play.document).params)
    play.step()


def test_a_page_that_is_loaded_again_goes_on_where_it_was(visit: Opener, server: Server) -> None:
    play = visit(server, "")
    play.click("add-layer")
    play.until_document("network.hidden_sizes", [4, 3, 3])
    play.step(3)
    params = play.params
    play.page.reload()
    play.until("store.state && store.frame && store.frame.header.epoch === 3")
    assert play.document["network"]["hidden_sizes"] == [4, 3, 3]
    np.testing.assert_array_equal(play.params, params)


def test_the_doctor_names_the_illness(play: Playground) -> None:
    play.choose("init", "zeros")
    play.until_document("network.init", "zeros")
    play.step(3)
    play.until("store.doctor && !store.doctor.healthy")
    findings = play.store("store.doctor.findings")
    assert findings
    expect(play.get("doctor")).to_be_visible()
    for each in findings:
        expect(play.get("doctor")).to_contain_text(each["evidence"])
        expect(play.get("doctor")).to_contain_text(each["advice"])


def test_the_focus_stays_with_the_doctor_while_its_figures_change(play: Playground) -> None:
    play.choose("init", "zeros")
    play.until_document("network.init", "zeros")
    play.step(3)
    dismiss = play.get("doctor").get_by_role("button").first
    dismiss.focus()
    play.store("store.doctor.findings.forEach((found) => (found.evidence = 'other figures'))")
    play.store("store.tell('doctor', store.doctor)")
    expect(play.get("doctor")).to_contain_text("other figures")
    expect(dismiss).to_be_focused()


def test_the_doctor_finds_a_healthy_network_healthy(play: Playground) -> None:
    play.step(3)
    assert play.store("store.doctor.healthy")
    expect(play.get("doctor").locator("article")).to_have_count(0)


def test_too_much_is_refused_in_words(play: Playground) -> None:
    before = play.document
    play.store("store.change((document) => (document.network.hidden_sizes = [100000]))")
    expect(play.get("error")).to_contain_text("this playground allows")
    assert play.document == before
    assert play.store("store.document.network.hidden_sizes") == [4, 3]
    play.step()
    expect(play.get("epoch")).to_have_text("1")


def test_settings_that_do_not_fit_are_refused_in_words(play: Playground) -> None:
    play.step(2)
    before = play.params
    play.store("store.change((document) => Object.assign(document.training, { optimizer: 'lbfgs', epochs: 1000 }))")
    expect(play.get("error")).to_be_visible()
    assert play.document["training"]["optimizer"] == "sgd"
    np.testing.assert_array_equal(play.params, before)
    play.step()
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 3).params)


def test_lbfgs_is_chosen_and_trains(play: Playground) -> None:
    play.choose("optimizer", "lbfgs")
    play.until_document("training.optimizer", "lbfgs")
    play.step(2)
    expect(play.get("error")).to_be_hidden()
    assert play.header["metrics"]["train_loss"] < play.store("store.curves.train_loss[0]")
