"""What holds for all tests."""

import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no mistake
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    """Examples that are run leave their figures to whoever runs them."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True, scope="session")
def interrupts_are_heard() -> None:
    """A shell that starts tests in the background has them ignore Ctrl-C, which some of them send themselves."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
