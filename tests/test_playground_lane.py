"""The lane shares time fairly, sends the latest only, and lets nobody hold it."""

import threading
import time
import weakref

import pytest

from handgrad.playground import lane as lane_module
from handgrad.playground.frames import unpack
from handgrad.playground.jobs import Job
from handgrad.playground.lane import Lane
from handgrad.playground.limits import Limits

PATIENCE = 30  # seconds, until a test gives up


class Tab:
    """What one tab was sent; it answers each frame at once, if it is quick."""

    def __init__(self, lane, document=None, quick=True):
        self.frames, self.messages, self.lane, self.quick = [], [], lane, quick
        self.seat = lane.enter(self.receive)
        self.ask(do="open", document=document or {})

    def receive(self, what):
        if isinstance(what, str):
            self.messages.append(what)
            return
        self.frames.append(unpack(what)[0])
        if self.quick:
            threading.Thread(target=self.ask, kwargs={"do": "seen", "frame": self.frames[-1]["frame"]}).start()

    def ask(self, **message):
        self.lane.ask(self.seat, message)

    def until(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.005)


@pytest.fixture
def lane():
    lane = Lane(Limits())
    yield lane
    lane.close()


FAST = {"view": {"speed": 0}, "training": {"epochs": 1_000_000}}


def test_a_slow_page_gets_the_latest_only(lane):
    tab = Tab(lane, FAST, quick=False)
    tab.ask(do="run")
    tab.until(lambda: tab.seat.session.run.epoch > 200)
    assert len(tab.frames) <= 2
    tab.ask(do="seen", frame=1)
    tab.until(lambda: len(tab.frames) == 3)
    assert tab.frames[-1]["epoch"] > 100
    epochs = [epoch for frame in tab.frames for epoch in frame["curves"]["columns"]["epoch"]]
    assert epochs == list(range(len(epochs)))  # no point is lost on the way


def test_a_large_network_does_not_hold_the_small_ones(lane):
    large = {"data": {"n": 4000}, "network": {"hidden_sizes": [150, 150]}}
    small, greedy = Tab(lane, FAST), Tab(lane, FAST | large)
    small.ask(do="run")
    greedy.ask(do="run")
    tab_epochs = small.seat.session.run.epoch
    greedy.until(lambda: greedy.seat.session.run.epoch >= 3)
    assert small.seat.session.run.epoch - tab_epochs > 20


def test_everybody_advances(lane):
    tabs = [Tab(lane, {"training": {"epochs": 1_000_000}}) for _ in range(10)]
    for tab in tabs:
        tab.ask(do="run")
    tabs[0].until(lambda: all(len(tab.frames) > 10 for tab in tabs))
    counts = [len(tab.frames) for tab in tabs]
    assert max(counts) <= 3 * min(counts)


def test_who_leaves_makes_room_and_ends_his_job(lane):
    tab = Tab(lane, {"data": {"n": 50}})
    tab.until(lambda: tab.frames)
    tab.ask(do="compare", seeds=100)
    tab.until(lambda: any('"comparison"' in each for each in tab.messages))
    lane.leave(tab.seat)
    count = len(tab.messages)
    other = Tab(lane, {"data": {"n": 50}})
    other.ask(do="prove")
    other.until(lambda: any('"finished": true' in each for each in other.messages))
    assert len(tab.messages) <= count + 1
    assert len(lane) == 1


def test_too_many_messages_are_refused(lane, monkeypatch):
    monkeypatch.setattr(lane_module, "_WAITING", 3)
    tab = Tab(lane)
    tab.until(lambda: tab.frames)
    with lane._wake:  # as if it were at work for long
        tab.seat.asked.extend([({"do": "pause"}, 0)] * 3)
        with pytest.raises(ValueError, match="3 messages wait"):
            tab.ask(do="pause")


def test_what_waits_is_limited_in_size(lane):
    tab = Tab(lane)
    tab.until(lambda: tab.frames)
    with lane._wake:
        lane.ask(tab.seat, {"do": "pause"}, 2 * lane.limits.message_bytes + 1)
        with pytest.raises(ValueError, match="1 messages wait"):
            lane.ask(tab.seat, {"do": "pause"}, 1)


def test_a_flood_of_questions_does_not_hold_the_others(lane):
    table = "a,b,y\n" + "1.5,2.5,3.5\n" * 3_000
    flood, quiet = Tab(lane), Tab(lane, {"training": {"epochs": 1_000_000}})
    quiet.ask(do="run")
    quiet.until(lambda: len(quiet.frames) > 3)
    answered, before = len(flood.messages), len(quiet.frames)
    for _ in range(90):
        flood.ask(do="columns", csv=table)
    flood.until(lambda: len(flood.messages) >= answered + 90)
    assert len(quiet.frames) > before + 3


def test_a_job_that_fails_oddly_frees_its_tab(lane, monkeypatch, caplog):
    def broken(tell):
        raise RuntimeError("a fault")

    tab = Tab(lane)
    tab.until(lambda: tab.frames)
    with monkeypatch.context() as patched, caplog.at_level("CRITICAL", "handgrad.playground.lane"):
        patched.setattr("handgrad.playground.session.proof_of", lambda run: Job("prove", broken))
        tab.ask(do="prove")
        tab.until(lambda: any("a fault" in each for each in tab.messages))
    assert tab.seat.session.busy is None
    tab.ask(do="prove")
    tab.until(lambda: any('"finished": true' in each for each in tab.messages))


def test_a_stopped_job_is_let_go_of_before_its_turn(lane):
    begun = threading.Event()
    tab, other = Tab(lane), Tab(lane)
    hold = threading.Event()
    tab.until(lambda: tab.frames and other.frames)
    lane._begin(other.seat, Job("prove", lambda tell: hold.wait(PATIENCE) and {}))
    job = Job("export", lambda tell: begun.set() or {})
    still_there = weakref.ref(job.work)
    lane._begin(tab.seat, job)
    lane._end_job(tab.seat)
    del job
    assert still_there() is None
    hold.set()
    other.until(lambda: other.seat.job is None)
    lane._begin(other.seat, Job("export", lambda tell: {}))
    other.until(lambda: other.seat.job is None)
    assert not begun.is_set()


def test_who_has_left_begins_no_job(lane):
    tab = Tab(lane)
    tab.until(lambda: tab.frames)
    lane.leave(tab.seat)
    lane._begin(tab.seat, Job("prove", lambda tell: {}))
    assert tab.seat.job is None


def test_frames_that_are_drawn_together_are_both_seen(lane):
    tab = Tab(lane, FAST, quick=False)
    tab.ask(do="run")
    tab.until(lambda: len(tab.frames) == 2)
    tab.ask(do="seen", frame=2)
    tab.until(lambda: len(tab.frames) == 4)
    tab.ask(do="seen", frame=10**9)
    tab.until(lambda: len(tab.frames) == 6)
    assert tab.seat.seen <= tab.seat.sent
