"""Running, pausing, stepping and going back in time."""

import numpy as np
import pytest
from playwright.sync_api import expect

from . import reference
from .page import Playground


def test_a_fresh_page_shows_an_untrained_network(play: Playground) -> None:
    expect(play.get("epoch")).to_have_text("0")
    np.testing.assert_array_equal(play.params, reference.network(play.document).params)


def test_run_and_pause(play: Playground) -> None:
    play.run_to(5)
    at = play.epoch
    expect(play.get("epoch")).to_have_text(str(at))
    np.testing.assert_array_equal(play.params, reference.trained(play.document, at).params)
    play.step()
    assert play.epoch == at + 1  # nothing went on in between


def test_a_step_is_one_epoch(play: Playground) -> None:
    play.step(3)
    expect(play.get("epoch")).to_have_text("3")
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 3).params)


def test_a_step_of_one_batch_moves_the_weights_within_the_epoch(play: Playground) -> None:
    before = play.params
    play.click("step-batch")
    play.until("store.frame.header.batch === 1")
    assert play.epoch == 0
    assert not np.array_equal(play.params, before)
    batches = play.header["batches"]
    assert batches == 21
    expect(play.page.locator(".transport")).to_contain_text(f"1/{batches}")


def test_all_batches_of_an_epoch_are_that_epoch(play: Playground) -> None:
    play.open({"data": {"name": "xor", "n": 40}, "training": {"batch_size": 10}})
    batches = play.header["batches"]
    assert batches == 3
    for batch in range(1, batches):
        play.click("step-batch")
        play.until("store.frame.header.batch === given", batch)
    play.click("step-batch")
    play.until("store.frame.header.epoch === 1 && store.frame.header.batch === 0")
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 1).params)


def test_reset_brings_back_the_first_weights(play: Playground) -> None:
    before = play.params
    play.step(2)
    play.click("reset")
    play.until("store.frame.header.epoch === 0")
    expect(play.get("epoch")).to_have_text("0")
    np.testing.assert_array_equal(play.params, before)


def test_a_new_seed_draws_new_weights(play: Playground) -> None:
    play.click("new-seed")
    play.until("store.state.document.seed !== 0")
    play.step()
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 1).params)


def test_rewind_and_train_again_gives_the_same_bits(play: Playground) -> None:
    play.step(6)
    after = play.params
    play.slide("rewind", play.header["kept"].index(2))
    play.until("store.frame.header.epoch === 2")
    expect(play.get("epoch")).to_have_text("2")
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 2).params)
    assert play.store("store.curves.epoch") == list(range(7))  # nothing is lost yet
    play.slide("rewind", play.header["kept"].index(6))
    play.until("store.frame.header.epoch === 6")
    np.testing.assert_array_equal(play.params, after)
    play.slide("rewind", play.header["kept"].index(2))
    play.until("store.frame.header.epoch === 2")
    play.step()
    assert play.store("store.curves.epoch") == [0, 1, 2, 3]
    play.step(3)
    np.testing.assert_array_equal(play.params, after)


def test_another_learning_rate_goes_on_from_the_weights_on_screen(play: Playground) -> None:
    play.step(2)
    play.fill("learning-rate", "0.03")
    play.until_document("training.learning_rate", 0.03)
    assert play.epoch == 2
    play.step()
    net = reference.trained(play.document | {"training": play.document["training"] | {"learning_rate": 0.1}}, 2)
    reference.training(play.document, net).run(epochs=1)
    np.testing.assert_array_equal(play.params, net.params)


def test_another_optimiser_brings_its_settings(play: Playground) -> None:
    play.choose("optimizer", "adam")
    play.until_document("training.optimizer", "adam")
    expect(play.get("beta1")).to_be_visible()
    play.step(2)
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 2).params)


def test_training_ends_after_the_planned_epochs_and_can_go_on(play: Playground) -> None:
    play.fill("epochs", "4")
    play.until_document("training.epochs", 4)
    play.click("run")
    play.until("!store.frame.header.running && store.frame.header.epoch === 4")
    expect(play.get("run")).to_be_visible()
    play.run_to(7)
    assert play.epoch >= 7


@pytest.mark.parametrize(
    ("field", "value", "path"), [("l2", "0.01", "network.l2"), ("batch-size", "20", "training.batch_size")]
)
def test_settings_reach_the_network(play: Playground, field: str, value: str, path: str) -> None:
    play.fill(field, value)
    play.until_document(path, float(value) if "." in value else int(value))
    play.step(2)
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 2).params)


def test_the_schedule_reaches_the_training(play: Playground) -> None:
    play.choose("schedule", "cosine")
    play.until_document("training.schedule.startsWith('cosine')", True)
    play.step(3)
    np.testing.assert_array_equal(play.params, reference.trained(play.document, 3).params)
