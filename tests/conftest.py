"""What holds for all tests."""

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
