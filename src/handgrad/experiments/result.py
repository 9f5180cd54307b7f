"""What a study found: tidy tables, curves, and what can be concluded from them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array
from handgrad.rules import unknown

if TYPE_CHECKING:
    import pandas as pd

    from handgrad.experiments.store import Store
    from handgrad.experiments.study import Study

_WRITERS = {".csv": "to_csv", ".parquet": "to_parquet"}


class Result:
    """A study's runs, in its store. A setting is named by the values that vary in it, as a tuple of texts."""

    def __init__(self, study: "Study", store: "Store") -> None:
        self.study, self.store = study, store
        self.settings = list(study.settings)
        self.seeds = study.seeds
        self._keys = np.array(study.keys()).reshape(len(self.settings), len(self.seeds))
        self._metrics = store.metrics(self._keys.ravel().tolist())

    @property
    def factors(self) -> list[str]:
        """The fields that vary, without their section: the columns that name a setting."""
        short = [name.split(".")[1] for name in self.study.vary]
        return short if len(set(short)) == len(short) else list(self.study.vary)

    @property
    def metric_names(self) -> list[str]:
        """The final metrics that every run has."""
        return [name for name in self._metrics[0] if name != "seconds"]

    @property
    def main_metric(self) -> str:
        """What settings are judged by: test accuracy, or R² on the test rows."""
        return next(name for name in ("test_accuracy", "test_r2") if name in self._metrics[0])

    def to_pandas(self) -> "pd.DataFrame":
        """A row for each network: its setting, its seed, its final metrics, and the seconds it took."""
        import pandas as pd

        rows = [(*setting, seed) for setting in self.settings for seed in self.seeds]
        named = pd.DataFrame(rows, columns=[*self.factors, "seed"])
        return pd.concat([named, pd.DataFrame(self._metrics)], axis=1)

    def values(self, metric: str | None = None) -> dict[tuple[str, ...], Array]:
        """The final values of a metric, (seeds,), by setting; None: the main one."""
        metric = metric or self.main_metric
        if metric not in self._metrics[0]:
            raise unknown("metric", metric, self.metric_names)
        values = np.array([each[metric] for each in self._metrics]).reshape(self._keys.shape)
        return dict(zip(self.settings, values, strict=True))

    def curves(self, name: str = "loss") -> dict[tuple[str, ...], Array]:
        """A curve, (points, seeds), by setting: one that stopped early is NaN from there on."""
        by_setting = {}
        for setting, keys in zip(self.settings, self._keys, strict=True):
            stored = self.store.curves(keys.tolist())
            if name not in stored[0]:
                raise unknown("curve", name, [each for each in stored[0] if each != "epochs"])
            longest = max(len(each[name]) for each in stored)
            columns = [np.pad(each[name], (0, longest - len(each[name])), constant_values=np.nan) for each in stored]
            by_setting[setting] = np.stack(columns, axis=1)
        return by_setting

    def export(self, path: str | os.PathLike[str]) -> None:
        """`to_pandas` as a .csv or .parquet file."""
        path = Path(path)
        if path.suffix not in _WRITERS:
            raise ValueError(f"path is {str(path)!r}; expected a file ending in {' or '.join(_WRITERS)}")
        getattr(self.to_pandas(), _WRITERS[path.suffix])(path, index=False)

    @property
    def environments(self) -> list[Mapping[str, Any]]:
        """The versions and machines that the runs were made with."""
        return list(self.store.environments(self._keys.ravel().tolist()))

    def __repr__(self) -> str:
        return f"Result({len(self.settings)} settings x {len(self.seeds)} seeds of {self.study.vary or 'one setting'})"
