"""The lane: one thread in which all sessions train in turn, each for a fair share, and a second one for long jobs.

A session's turn is short: its messages, the epochs that are due, one frame if its page has drawn the last one. Whoever
took longer than a turn waits until the others have had as much, and nobody takes more than its share of a second.
"""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from handgrad import blas
from handgrad.playground.frames import to_json
from handgrad.playground.jobs import Answer, Job, Stopped
from handgrad.playground.limits import Limits
from handgrad.playground.session import Session

_log = logging.getLogger(__name__)

ROUND = 0.04  # seconds of training in a round of all turns
TURN = 0.025  # seconds of training in one turn, at most
FRAMES = 30  # a second, at most

Send = Callable[[str | bytes], None]  # to the tab; must not wait


class Ticket:
    """A job that a tab waits for; without the job where nobody waits any more."""

    def __init__(self, job: Job) -> None:
        self.job: Job | None = job


class Seat:
    """A session's place in the lane: what it was asked, whether its page waits for a frame, what it owes."""

    def __init__(self, session: Session, send: Send) -> None:
        self.session, self.send = session, send
        self.asked: deque[tuple[Any, int]] = deque()  # messages, and the size of each
        self.sent = self.seen = 0  # the last frame that the page was sent, and the last that it has drawn
        self.changed = False  # there is something new to draw
        self.rests_until = 0.0
        self.next_frame = 0.0
        self.job: Ticket | None = None
        self.heard = time.monotonic()

    def end_job(self) -> None:
        """Wait for no job; what it holds is let go of, though its turn may be far."""
        if self.job is not None:
            self.job.job = None
        self.job, self.session.busy = None, None

    def due(self, now: float) -> bool:
        """Whether there is something to do."""
        return self.waits(now) or (now >= self.rests_until and (bool(self.asked) or self.session.wants(now)))

    def saw(self, frame: Any) -> None:
        """The page has drawn this frame, and with it all before; what is no number is the last one."""
        self.seen = max(self.seen, min(frame, self.sent)) if isinstance(frame, int) else self.sent

    def waits(self, now: float) -> bool:
        """Whether the page waits for a frame: there is something new, and it has drawn all but the last."""
        return self.changed and self.sent - self.seen < _IN_FLIGHT and now >= self.next_frame


class Lane:
    """All seats, and the thread that serves them; close it to end the thread."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._seats: list[Seat] = []
        self._wake = threading.Condition()
        self._open = True
        self._jobs = ThreadPoolExecutor(1, thread_name_prefix="handgrad-jobs")
        sys.setswitchinterval(_SWITCH)
        self._thread = threading.Thread(target=self._serve, name="handgrad-lane", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._seats)

    def enter(self, send: Send) -> Seat:
        """A seat for a new tab."""
        self._require_free()
        seat = Seat(Session(self.limits), send)  # it takes a while, in which the others go on
        with self._wake:
            self._require_free()
            self._seats.append(seat)
            self._wake.notify()
        return seat

    def _require_free(self) -> None:
        if len(self._seats) >= self.limits.sessions:
            raise ValueError(
                f"all {self.limits.sessions} places of this playground are taken; close a tab, or come back later"
            )

    def leave(self, seat: Seat) -> None:
        """The tab is closed."""
        with self._wake:
            seat.end_job()
            if seat in self._seats:
                self._seats.remove(seat)

    def ask(self, seat: Seat, message: Any, size: int = 0) -> None:
        """A message of that tab, of so many characters; what comes faster than it can be answered is refused."""
        with self._wake:
            if isinstance(message, dict) and message.get("do") == "seen":
                seat.saw(message.get("frame"))
            elif len(seat.asked) >= _WAITING or sum(each for _, each in seat.asked) > 2 * self.limits.message_bytes:
                raise ValueError(f"{len(seat.asked)} messages wait for an answer; send the next one later")
            else:
                seat.asked.append((message, size))
                seat.heard = time.monotonic()
            self._wake.notify()

    def close(self) -> None:
        """End the threads."""
        with self._wake:
            self._open = False
            for seat in self._seats:
                seat.end_job()
            self._wake.notify()
        self._thread.join()
        self._jobs.shutdown(cancel_futures=True)

    # --- the thread ---------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while self._open:
            with self._wake:
                seats = list(self._seats)
                now = time.monotonic()
                due = sum(seat.due(now) for seat in seats)
                if not due:
                    self._wake.wait(_PAUSE if any(seat.session.running for seat in seats) else 1.0)
            with blas.single_threaded():  # entered once: it takes as long as a small network's step
                for seat in seats:
                    if seat.due(time.monotonic()):
                        self._safe_turn(seat, max(1, due))

    def _safe_turn(self, seat: Seat, seats: int) -> None:
        try:
            self._turn(seat, seats)
        except Exception as fault:  # ours, in one tab: the others go on
            _log.exception("a session failed")
            seat.session.running = False
            message = f"this is a fault of the playground, not of yours: {type(fault).__name__}: {fault}"
            seat.send(to_json({"kind": "error", "message": message, "doing": None, "document": None}))

    def _turn(self, seat: Seat, seats: int) -> None:
        started = time.monotonic()
        while seat.asked and time.monotonic() - started < TURN:
            self._answer(seat, seat.asked.popleft()[0])
        if started >= seat.rests_until and seat.session.wants(started):
            seat.session.train(min(TURN, ROUND / seats), seats - 1)
            seat.changed = True
        now = time.monotonic()
        if seat.waits(now):
            seat.changed = False
            seat.sent += 1
            seat.next_frame = max(seat.next_frame + 1 / FRAMES, now)
            seat.send(seat.session.frame())
        spent = time.monotonic() - started
        rest = spent * (1 / self.limits.share - 1)
        if spent > 2 * TURN:  # whoever takes long waits until the others had as much
            rest = max(rest, spent * (seats - 1))
        seat.rests_until = time.monotonic() + rest

    def _answer(self, seat: Seat, message: Any) -> None:
        session = seat.session
        if isinstance(message, dict) and message.get("do") == "stop":
            self._end_job(seat)
            return
        try:
            for each in session.handle(message):
                if isinstance(each, Job):
                    self._begin(seat, each)
                else:
                    seat.send(to_json(each))
        except _REFUSALS as wrong:
            refused = _refused(message, wrong, session)
            seat.send(to_json(refused))
            if refused["doing"] == "open":
                seat.send(to_json(session.state()))  # a page that opens has nothing to show yet
        seat.changed = True

    def _begin(self, seat: Seat, job: Job) -> None:
        """Hand out what takes long; one at a time for each tab that is still there."""
        ticket = Ticket(job)
        with self._wake:
            if seat.job is not None:
                raise ValueError(f"{seat.session.busy} is still at work; stop it first")
            if seat not in self._seats:
                return
            seat.job, seat.session.busy = ticket, job.name
        name = job.name
        del job  # the ticket alone holds it

        def tell(answer: Answer) -> None:
            if seat.job is not ticket:
                raise Stopped
            seat.send(to_json(answer))

        def work() -> None:
            mine = ticket.job
            if mine is None:
                return
            try:
                answer = mine.work(tell)
            except Stopped:
                return
            except Exception as wrong:  # whatever it is, the tab must not wait for ever
                if not isinstance(wrong, _REFUSALS):
                    _log.exception("a job failed")
                answer = {"kind": "error", "message": str(wrong), "doing": name, "document": None}
            if self._end_job(seat, ticket):
                seat.send(to_json(answer))

        self._jobs.submit(work)

    def _end_job(self, seat: Seat, ticket: Ticket | None = None) -> bool:
        """Free the tab for another job; whether it was still this one's, if one is named."""
        with self._wake:
            if ticket is not None and seat.job is not ticket:
                return False
            seat.end_job()
            seat.changed = True
            self._wake.notify()
        return True


_REFUSALS = (ValueError, TypeError, ArithmeticError, ImportError, OSError)
_IN_FLIGHT = 2  # frames: one that is drawn, one on its way
_LONGEST_MESSAGE = 2_000  # characters of an error, which may hold what was given
_WAITING = 100  # messages of a tab
_SWITCH = 0.0005  # seconds after which a waiting thread gets its turn: sending frames must not wait for training
_PAUSE = 0.004  # seconds, until the next epoch may be due


def _refused(message: Any, wrong: Exception, session: Session) -> Answer:
    doing = message.get("do") if isinstance(message, dict) else None
    return {
        "kind": "error",
        "message": str(wrong)[:_LONGEST_MESSAGE],
        "doing": doing if isinstance(doing, str) else None,
        "document": session.run.document.without_start(),
    }
