"""What one tab, and all of them together, may ask of the server; each limit is a message, never a crash."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Limits:
    """The limits of a server; its makers may set others."""

    sessions: int = 64
    message_bytes: int = 4_000_000
    csv_bytes: int = 2_000_000
    rows: int = 20_000
    columns: int = 300
    cells: int = 2_000_000  # rows times columns of inputs
    classes: int = 50
    parameters: int = 100_000
    traced_parameters: int = 20_000  # of a network that is followed number by number
    hidden_layers: int = 32
    units: int = 512
    epoch_work: int = 1_000_000_000  # multiplications of an epoch: a quarter to half a second
    epochs: int = 1_000_000
    seeds: int = 100
    study_work: int = 300_000_000_000  # multiplications of a whole comparison: about a minute
    idle_seconds: int = 1_800
    unread_bytes: int = 32_000_000  # that wait for a tab to read them
    share: float = 0.9  # CPU seconds a second that one session may take

    def require(self, name: str, value: int, what: str) -> None:
        """Refuse a value beyond the limit of that name; `what` says of what it is, with the value in it."""
        most = getattr(self, name)
        if value > most:
            raise ValueError(f"{what}; this playground allows {most:,}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the page."""
        return asdict(self)
