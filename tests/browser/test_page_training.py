"""Running, pausing, stepping and going back in time."""

import numpy as np
from playwright.sync_api import expect

import handgrad as hg

from .page import Playground


def test_a_fresh_page_shows_an_untrained_network(play: Playground) -> None:
    net = hg.Network.mlp([2, 4, 3, 1], activation="tanh", init="glorot_normal", loss="sigmoid_binary_cross_entropy", seed=0)
    expect(play.get("epoch")).to_have_text("0")
    np.testing.assert_array_equal(play.params, net.params)


def test_run_and_pause(play: Playground) -> None:
    before = play.params
    play.run_to(5)
    at = play.epoch
    assert at >= 5
    assert not np.array_equal(play.params, before)
    expect(play.get("epoch")).to_have_text(str(at))
    assert play.epoch == at
