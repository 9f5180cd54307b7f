"""Curves that never grow beyond bounds: when there are too many points, every second one goes."""

from collections.abc import Mapping

POINTS = 2_000
COLUMNS = ("epoch", "train_loss", "test_loss", "train_metric", "test_metric")


class Curves:
    """Columns of equal length. `age` tells a reader who remembers another one that points have gone or changed."""

    def __init__(self) -> None:
        self.columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
        self.age = 0

    def __len__(self) -> int:
        return len(self.columns["epoch"])

    def add(self, point: Mapping[str, float]) -> None:
        """A point at the end."""
        for name, values in self.columns.items():
            values.append(point[name])
        if len(self) > POINTS:
            last = {name: values[-1] for name, values in self.columns.items()}
            self.columns = {name: values[::2] for name, values in self.columns.items()}
            if self.columns["epoch"][-1] != last["epoch"]:
                self.add(last)
            self.age += 1

    def cut(self, epoch: int) -> None:
        """Forget all points after that epoch."""
        length = sum(each <= epoch for each in self.columns["epoch"])
        self.columns = {name: values[:length] for name, values in self.columns.items()}
        self.age += 1

    def since(self, length: int) -> dict[str, list[float]]:
        """The points from that number on."""
        return {name: values[length:] for name, values in self.columns.items()}
