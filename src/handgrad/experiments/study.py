"""A study: what is trained, what varies, over which seeds; as plain fields, in Python or in a file.

>>> study = Study("moons", training={"epochs": 20, "learning_rate": 0.5}, vary={"init": ["small", "he"]}, seeds=5)
>>> study.run().to_pandas().shape
(10, 8)
"""

import os
import reprlib
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from handgrad import datasets
from handgrad.arrays import require_integer
from handgrad.datasets import Dataset
from handgrad.experiments import maths
from handgrad.experiments.digests import digest, digest_of_data
from handgrad.experiments.draws import load, loss_for, outputs_for
from handgrad.experiments.executors import Executor, executor_for
from handgrad.experiments.plan import Plan, make_plan
from handgrad.experiments.recipe import DataRecipe, Recipe, full_name
from handgrad.experiments.store import Finished, Store
from handgrad.experiments.work import SOURCES, Chunk, Job
from handgrad.network.door import require_engine
from handgrad.optimizers import LBFGS
from handgrad.randomness import require_seed
from handgrad.rules import unknown

if TYPE_CHECKING:
    from handgrad.experiments.result import Result

Progress = Callable[[int, int], None]  # called with (done, total)
_FIELDS = ("data", "network", "training", "vary", "seeds", "sources", "engine")
_LARGEST_SEED = 2**32 - 1  # that a split takes


class Study:
    """Networks by setting and seed. Settings share their seeds, and so differ in nothing but the setting.

    Parameters
    ----------
    data
        A built-in name, the path of a table, a `Dataset`, or fields with one of them as "name", such as
        {"name": "moons", "noise": 0.3}; a path needs its "target" there.
    network, training
        Fields as of `Network.mlp` (with "hidden_sizes") and `hg.train`; settings of the optimiser, such as
        "learning_rate", stand beside it.
    vary
        Fields with the values they take, {"network.init": ["small", "he"], ...}, or with values by name,
        {"batch_size": {"all": None, "few": 16}}: every combination is a setting. The section may be left out.
    seeds
        How many, or which.
    sources
        Which sources of randomness follow the seed: "data" (the draw of synthetic data), "split", "init", "training"
        (batch order and dropout); the others stay those of seed 0.
    engine
        As for `hg.train`.

    Raises
    ------
    TypeError, ValueError
        A field is unknown or has a value that it cannot take; the message names it.
    """

    def __init__(
        self,
        data: str | os.PathLike[str] | Dataset | Mapping[str, Any] = "moons",
        network: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        vary: Mapping[str, Sequence[Any] | Mapping[str, Any]] | None = None,
        seeds: int | Iterable[int] = 100,
        sources: Iterable[str] = SOURCES,
        engine: str = "auto",
    ) -> None:
        self.seeds = _require_seeds(seeds)
        self.sources = _require_sources(sources)
        self.engine = require_engine(engine)
        self.tables: dict[str, Dataset] = {}
        self._first: dict[DataRecipe, Dataset] = {}  # of seed 0, to check the fields against
        fields = {f"data.{name}": value for name, value in self._data_fields(data).items()}
        for section, given in (("network", network), ("training", training)):
            fields |= {f"{section}.{name}": value for name, value in _require_mapping(section, given or {}).items()}
        self.vary: dict[str, dict[str, Any]] = {}
        for name, values in _require_mapping("vary", vary or {}).items():
            if full_name(name) in self.vary:
                raise ValueError(f"vary holds {full_name(name)} twice; put all its values behind one")
            self.vary[full_name(name)] = _require_values(name, values)
        self.settings: dict[tuple[str, ...], Recipe] = {}
        for chosen in product(*(values.items() for values in self.vary.values())):
            names, values = tuple(name for name, _ in chosen), [value for _, value in chosen]
            recipe = self._recipe(fields | dict(zip(self.vary, values, strict=True)))
            for others, other in self.settings.items():
                if other == recipe:
                    raise ValueError(f"vary: {' / '.join(names)} and {' / '.join(others)} are the same; leave one out")
            self.settings[names] = recipe

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """The study that a .toml, .yaml or .yml file describes, with the parameters of `Study` as its fields."""
        path = Path(path)
        with path.open("rb") as file:
            if path.suffix == ".toml":
                fields = tomllib.load(file)
            elif path.suffix in (".yaml", ".yml"):
                import yaml

                fields = yaml.safe_load(file)
            else:
                raise ValueError(f"study is {str(path)!r}; expected a file ending in .toml, .yaml or .yml")
        for name in _require_mapping(str(path), fields):
            if name not in _FIELDS:
                raise unknown(f"field of {path}", name, _FIELDS)
        return cls(**fields)

    @property
    def jobs(self) -> list[Job]:
        """Every network: each setting with each seed."""
        return [Job(recipe, seed) for recipe in self.settings.values() for seed in self.seeds]

    def plan(self, jobs: Sequence[Job] | None = None, workers: int = 1) -> Plan:
        """How these networks, or all, will be trained; `print` it to see what it will cost."""
        return make_plan(self.jobs if jobs is None else jobs, self.sources, self.engine, self.tables, workers)

    def run(
        self,
        store: str | os.PathLike[str] | Store | None = None,
        executor: Any = None,
        progress: Progress = lambda done, total: None,
    ) -> "Result":
        """Train what the store does not hold yet, and give all results.

        Parameters
        ----------
        store
            A SQLite file, made if it is not there; None: one that is forgotten.
        executor
            None: this machine, all cores. Or a `dask.distributed.Client`, or the address of a scheduler.
        progress
            Called with the number of networks done, and of all.

        Raises
        ------
        StoreError
            The store is damaged, something else, or cannot be written; what was finished is kept.
        ConnectionError
            The scheduler does not answer, or its workers have another version of handgrad.
        """
        from handgrad.experiments.result import Result

        kept = store if isinstance(store, Store) else Store(store)
        keys = dict(zip(self.jobs, self.keys(), strict=True))
        waiting = set(kept.missing(list(keys.values())))
        jobs = [job for job, key in keys.items() if key in waiting]
        digests = self._digests()
        kept.describe({digests[recipe]: self._described(recipe) for recipe in self.settings.values()})
        done = len(keys) - len(jobs)
        progress(done, len(keys))
        with executor_for(executor) as at_work:
            for chunk, runs in self._results(at_work, jobs):
                finished = zip(chunk.jobs, runs, strict=True)
                kept.add(Finished(keys[job], digests[job.recipe], job.seed, run) for job, run in finished)
                done += len(runs)
                progress(done, len(keys))
        return Result(self, kept)

    def keys(self) -> list[str]:
        """What each network's results are stored under: a digest of all that decides them."""
        digests = self._digests()
        return [digest([digests[job.recipe], job.seed]) for job in self.jobs]

    def _results(self, at_work: Executor, jobs: Sequence[Job]) -> Iterable[tuple[Chunk, Any]]:
        return at_work(self.plan(jobs, at_work.workers).chunks, self.tables) if jobs else ()

    def _digests(self) -> dict[Recipe, str]:
        return {recipe: digest(self._described(recipe)) for recipe in self.settings.values()}

    def _described(self, recipe: Recipe) -> dict[str, Any]:
        """All but the seed that decides a recipe's results."""
        return {
            **recipe.describe(),
            "table": self._table_digests.get(recipe.data.name),
            "sources": sorted(self.sources),
            "engine": self.engine,
            "maths": maths.VERSION,
        }

    @cached_property
    def _table_digests(self) -> dict[str, str]:
        return {name: digest_of_data(table) for name, table in self.tables.items()}

    def _recipe(self, fields: Mapping[str, Any]) -> Recipe:
        recipe = Recipe.of(fields)
        if isinstance(recipe.training.optimizer, LBFGS):
            raise ValueError("training.optimizer: lbfgs trains networks one by one, and a study in stacks; try adam")
        name = recipe.data.name
        if name not in datasets.NAMES and name not in self.tables:
            self.tables[name] = datasets.load(name)
        if recipe.data not in self._first:
            self._first[recipe.data] = load(recipe.data, self.tables.get(name), 0)
        dataset, one_hot = self._first[recipe.data], recipe.data.one_hot
        loss = loss_for(recipe.network.loss, dataset, one_hot)
        recipe.network.require_possible(dataset.X.shape[1], outputs_for(loss, dataset, one_hot), loss)
        return recipe

    def _data_fields(self, data: Any) -> dict[str, Any]:
        """The fields of data, with a table of one's own loaded and kept under its name."""
        named = {"name": data} if isinstance(data, str | os.PathLike | Dataset) else data
        fields = dict(_require_mapping("data", named))
        if isinstance(fields.get("name"), Dataset):
            self.tables["table"] = fields["name"]
            return fields | {"name": "table"}
        target = fields.pop("target", None)
        name = os.fspath(fields.get("name", "moons"))
        if target is not None:
            self.tables[name] = datasets.load(name, target)
        return fields | {"name": name}


def _require_mapping(argument: str, given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        own = "; for a table in memory hg.datasets.from_pandas(frame, target=...)" if argument == "data" else ""
        raise TypeError(f"{argument} is {reprlib.repr(given)}; expected fields such as {{'name': value}}{own}")
    return given


def _require_values(field: str, values: Any) -> dict[str, Any]:
    """The values of a field by name; a list is named by its values."""
    if isinstance(values, str) or not isinstance(values, Sequence | Mapping):
        raise TypeError(f"vary.{field} is {values!r}; expected a list of values")
    if not values:
        raise ValueError(f"vary.{field} is empty; expected at least one value")
    if isinstance(values, Mapping):
        return {str(name): value for name, value in values.items()}
    named = {_shown(value): value for value in values}
    if len(named) < len(values):
        twice = next(name for name in named if sum(_shown(value) == name for value in values) > 1)
        raise ValueError(f"vary.{field} holds {twice} twice; leave one out")
    return named


def _require_seeds(seeds: Any) -> tuple[int, ...]:
    if isinstance(seeds, Iterable) and not isinstance(seeds, str):
        chosen = tuple(require_seed("seeds", seed) for seed in seeds)
    else:
        chosen = tuple(range(require_integer("seeds", seeds)))
    if not chosen:
        raise ValueError("seeds is empty; expected a number of seeds, or a list of them")
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds holds {next(s for s in chosen if chosen.count(s) > 1)} twice; each counts once")
    if max(chosen) > _LARGEST_SEED:
        raise ValueError(f"seeds holds {max(chosen)}; expected at most {_LARGEST_SEED}")
    return chosen


def _require_sources(sources: Any) -> frozenset[str]:
    for source in sources:
        if source not in SOURCES:
            raise unknown("source of randomness", source, SOURCES)
    return frozenset(sources)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
