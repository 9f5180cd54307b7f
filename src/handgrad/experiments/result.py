"""What a study found: tidy tables, curves, and what can be concluded from them."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.arrays import Array
from handgrad.datasets import Dataset
from handgrad.experiments.draws import Draw
from handgrad.experiments.statistics import Interval, Pair, compare_all, interval
from handgrad.experiments.statistics.intervals import Statistic
from handgrad.experiments.words import conclusion
from handgrad.experiments.work import Chunk, Job, stack_of, train
from handgrad.experiments.writing import write_atomically
from handgrad.network import Network
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
        self._networks: dict[Any, tuple[Network, Draw]] = {}  # what was asked for once is asked for again
        self._intervals: dict[Any, dict[tuple[str, ...], Interval]] = {}
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

    @property
    def alike(self) -> bool:
        """Whether all seeds gave the same networks: then they are one observation, however many they are."""
        losses = self.values("train_loss").values()
        return len(self.seeds) > 1 and all((each == each[0]).all() for each in losses)

    def _sources(self) -> str:
        return f"sources are {', '.join(sorted(self.study.sources)) or 'none'}"

    @property
    def diverged(self) -> dict[tuple[str, ...], int]:
        """How many networks of each setting diverged; they are measured where they stopped."""
        return {setting: int(values.sum()) for setting, values in self.values("diverged").items()}

    def to_dict(self, margin: float = 0.0) -> dict[str, Any]:
        """The figures of the main metric as plain values, for JSON; `margin` as for `compare`."""
        pairs = self.compare(margin=margin) if len(self.seeds) > 1 and not self.alike else ()
        return {
            "metric": self.main_metric,
            "factors": self.factors,
            "seeds": list(self.seeds),
            "settings": {
                self.name_of(setting): {
                    "setting": dict(zip(self.factors, setting, strict=True)),
                    "mean": _finite(each.to_dict()),
                    "by_seed": self.values()[setting].tolist(),
                    "diverged": self.diverged[setting],
                }
                for setting, each in self.intervals().items()
            },
            "pairs": [
                {
                    "a": pair.a,
                    "b": pair.b,
                    "difference": _finite(pair.difference.to_dict()),
                    "improvement": _finite(pair.improvement.to_dict()),
                    "p_holm": pair.p,
                    "verdict": pair.verdict,
                    "more_seeds": pair.more_seeds,
                }
                for pair in pairs
            ],
            "conclusion": self.conclusion(margin=margin),
        }

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

    def intervals(
        self, metric: str | None = None, statistic: Statistic = "mean", level: float = 0.95
    ) -> dict[tuple[str, ...], Interval]:
        """The mean, median or interquartile mean over seeds with its interval, by setting."""
        asked = (metric or self.main_metric, statistic, level)
        if asked not in self._intervals:
            found = self.values(metric).items()
            self._intervals[asked] = {setting: interval(values, statistic, level) for setting, values in found}
        return self._intervals[asked]

    def summary(self, metric: str | None = None, statistic: Statistic = "mean", level: float = 0.95) -> "pd.DataFrame":
        """A row for each setting: the mean, median or interquartile mean over seeds with its interval; who diverged."""
        import pandas as pd

        found = self.intervals(metric, statistic, level)
        rows = [(*setting, each.value, each.low, each.high) for setting, each in found.items()]
        frame = pd.DataFrame(rows, columns=[*self.factors, statistic, "low", "high"])
        return frame.assign(diverged=list(self.diverged.values()))

    def compare(self, metric: str | None = None, margin: float = 0.0) -> tuple[Pair, ...]:
        """Every pair of settings, seed by seed, by `compare_all`; differences inside a `margin` do not matter."""
        if self.alike:
            raise ValueError(f"the seeds differ in nothing: {self._sources()}; let another source follow the seed")
        metric = metric or self.main_metric
        named = {self.name_of(setting): values for setting, values in self.values(metric).items()}
        return compare_all(named, higher_is_better=not metric.endswith("loss"), margin=margin)

    def conclusion(self, metric: str | None = None, margin: float = 0.0) -> str:
        """What can be concluded from it, and what cannot yet, in words."""
        if len(self.settings) == 1:
            return "One setting; vary something to compare."
        if len(self.seeds) == 1:
            return "One seed tells nothing about the next; take more."
        if self.alike:
            return f"Nothing can be concluded: the seeds differ in nothing ({self._sources()})."
        best = self.best(metric)
        return conclusion(best, self.against(best, metric, margin))

    def best(self, metric: str | None = None) -> str:
        """The name of the setting with the best mean, which need not be better than all others."""
        metric = metric or self.main_metric
        sign = -1 if metric.endswith("loss") else 1
        means = {setting: sign * values.mean() for setting, values in self.values(metric).items()}
        return self.name_of(max(means, key=means.__getitem__))

    def against(self, name: str, metric: str | None = None, margin: float = 0.0) -> list[Pair]:
        """All pairs of that setting, seen from it, the closest first."""
        pairs = self.compare(metric, margin)
        seen = [pair if pair.a == name else pair.reversed() for pair in pairs if name in (pair.a, pair.b)]
        return sorted(seen, key=lambda pair: abs(pair.difference.value))

    def name_of(self, setting: tuple[str, ...]) -> str:
        """A setting's name in tables and pictures: its values."""
        return " / ".join(setting) or "all"

    def network(self, setting: tuple[str, ...], seed: int | None = None) -> tuple[Network, Draw]:
        """The trained network of a setting and seed, None the first, and its rows: trained anew, to the same bits."""
        if setting not in self.settings:
            known = ", ".join(map(repr, self.settings))
            raise ValueError(f"setting is {setting!r}; expected a tuple of values, one of {known}")
        if (setting, seed) not in self._networks:
            trained = train(*self._alone(setting, seed))
            self._networks[setting, seed] = trained.net[0], trained.draws[0]
        return self._networks[setting, seed]

    def networks(self, setting: tuple[str, ...]) -> Network:
        """The trained networks of a setting as a stack, one for each seed: trained anew, to the same bits."""
        (chunk, table), recipe = self._alone(setting, None), self.study.settings[setting]
        return train(replace(chunk, jobs=tuple(Job(recipe, seed) for seed in self.seeds)), table).net

    def start(self, setting: tuple[str, ...], seed: int | None = None) -> tuple[Network, Draw]:
        """As `network`, before training."""
        net, draws = stack_of(*self._alone(setting, seed))
        return net[0], draws[0]

    def _alone(self, setting: tuple[str, ...], seed: int | None) -> tuple[Chunk, Dataset | None]:
        study, recipe = self.study, self.study.settings[setting]
        job = Job(recipe, self.seeds[0] if seed is None else seed)
        return Chunk((job,), study.sources, study.engine), study.tables.get(recipe.data.name)

    def curves(self, name: str = "loss") -> dict[tuple[str, ...], Array]:
        """A curve, (points, seeds), by setting, at `epochs()`; one that stopped early is NaN from there on."""
        by_setting = {}
        for setting, keys in zip(self.settings, self._keys, strict=True):
            stored = self.store.curves(keys.tolist())
            if name not in stored[0]:
                raise unknown("curve", name, [each for each in stored[0] if each != "epochs"])
            longest = max(len(each[name]) for each in stored)
            columns = [np.pad(each[name], (0, longest - len(each[name])), constant_values=np.nan) for each in stored]
            by_setting[setting] = np.stack(columns, axis=1)
        return by_setting

    def epochs(self) -> dict[tuple[str, ...], Array]:
        """The epochs of the curves' points by setting, of its network that went furthest."""
        by_setting = zip(self.settings, self._keys, strict=True)
        return {
            setting: max((each["epochs"] for each in self.store.curves(keys.tolist())), key=len)
            for setting, keys in by_setting
        }

    def export(self, path: str | os.PathLike[str]) -> None:
        """`to_pandas` as a .csv or .parquet file."""
        path = Path(path)
        if path.suffix not in _WRITERS:
            raise ValueError(f"path is {str(path)!r}; expected a file ending in {' or '.join(_WRITERS)}")
        content = getattr(self.to_pandas(), _WRITERS[path.suffix])(None, index=False)  # None: as text or bytes
        write_atomically(path, content)

    def report(self, path: str | os.PathLike[str], command: str | None = None, margin: float = 0.0) -> None:
        """Write one self-contained page: verdict, tables, pictures, settings, and the command that makes it again."""
        from handgrad.experiments.report import study_report

        write_atomically(Path(path), study_report(self, command, margin))

    @property
    def environments(self) -> list[Mapping[str, Any]]:
        """The versions and machines that the runs were made with."""
        return list(self.store.environments(self._keys.ravel().tolist()))

    def __repr__(self) -> str:
        return f"Result({len(self.settings)} settings, {len(self.seeds)} seeds)"

    def __str__(self) -> str:
        metric = self.main_metric.replace("_", " ")
        return f"{metric}\n{self.summary().to_string(index=False)}\n\n{self.conclusion()}"


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """For JSON, which has no NaN: None where one seed gives no interval."""
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in values.items()
    }
