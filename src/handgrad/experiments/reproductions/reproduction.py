"""What a reproduction is: a source, what was published there, and how we measure the same; and what came out."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from handgrad.arrays import ArrayLike, require_integer
from handgrad.datasets import mnist
from handgrad.experiments.reproductions.verdicts import Verdict, better, between, mostly, placed, range_of_runs, share
from handgrad.experiments.result import Result
from handgrad.experiments.statistics import Interval, compare, interval
from handgrad.experiments.study import Progress, Study
from handgrad.experiments.words import difference_in_words, in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Finding:
    """One published statement beside what our seeds say."""

    claim: str
    published: str
    ours: str
    verdict: Verdict
    seeds: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "claim": self.claim,
            "published": self.published,
            "ours": self.ours,
            "agrees": self.verdict.agrees,
            "verdict": str(self.verdict),
            "seeds": self.seeds,
        }


@dataclass(frozen=True)
class Outcome:
    """What was found, and functions that draw pictures of it, by what they show."""

    findings: tuple[Finding, ...]
    pictures: Mapping[str, Callable[[], "Axes"]] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """Where a reproduction runs its studies: how many seeds, whether small, and where finished networks are kept."""

    seeds: int
    quick: bool
    store: str | os.PathLike[str] | None = None
    progress: Progress = lambda done, total: None
    spent: list[float] = field(default_factory=list)  # seconds that networks took, now or when they were stored

    def run(self, data: Any, network: Any = None, **fields: Any) -> Result:
        """The result of `Study(...)`, with the seeds of this bench."""
        result = Study(data, network, **{"seeds": self.seeds} | fields).run(self.store, progress=self.progress)
        self.spent.append(float(result.to_pandas()["seconds"].sum()))
        return result


@dataclass(frozen=True)
class Reproduction:
    """A published experiment.

    `differs` says in which way ours is not the same, `smaller` what the quick version leaves out besides seeds; where
    it leaves out something, it is another experiment, and gives no verdict. `least_seeds` are those it cannot do
    without.
    """

    name: str
    title: str
    source: str
    differs: str
    seeds: int
    quick_seeds: int
    smaller: str
    measure: Callable[[Bench], Outcome]
    least_seeds: int = 2
    needs_mnist: bool = False

    def require(self, seeds: int | None = None) -> None:
        """Refuse, before any work is done, too few seeds (ValueError) and data that is not here (FileNotFoundError)."""
        if seeds is not None:
            require_integer(f"seeds of {self.name}", seeds, at_least=self.least_seeds)
        if self.needs_mnist:
            mnist(part="test")

    def run(
        self,
        quick: bool = False,
        seeds: int | None = None,
        store: str | os.PathLike[str] | None = None,
        progress: Progress = lambda done, total: None,
    ) -> "Reproduced":
        """Measure it; `seeds` None: as many as it has by itself. Raises as `require`."""
        self.require(seeds)
        by_itself = self.quick_seeds if quick else self.seeds
        bench = Bench(by_itself if seeds is None else seeds, quick, store, progress)
        started = time.monotonic()
        outcome = self.measure(bench)
        if quick and self.smaller:
            outcome = replace(outcome, findings=tuple(map(_without_verdict, outcome.findings)))
        return Reproduced(self, bench.seeds, quick, outcome, max(time.monotonic() - started, sum(bench.spent)))


def _without_verdict(finding: Finding) -> Finding:
    return replace(finding, verdict=Verdict(None, f"this is the smaller version, which by itself {finding.verdict}"))


@dataclass(frozen=True)
class Reproduced:
    """A reproduction with what came out; `seconds` with those of networks that the store held already."""

    reproduction: Reproduction
    seeds: int
    quick: bool
    outcome: Outcome
    seconds: float

    @property
    def size(self) -> str:
        """How large it was, in words."""
        about, seeds = self.reproduction, f"{self.seeds} seeds"
        if self.quick:
            return f"{seeds}; this is the smaller version: {about.smaller or 'fewer seeds'}"
        return seeds if self.seeds >= about.seeds else f"{seeds}, fewer than the {about.seeds} it has by itself"

    @property
    def command(self) -> str:
        """What makes it again."""
        about = self.reproduction
        by_itself = about.quick_seeds if self.quick else about.seeds
        seeds = "" if self.seeds == by_itself else f"={self.seeds}"
        return f"handgrad reproduce {about.name}{seeds}{' --quick' if self.quick else ''}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        about = self.reproduction
        return {
            "name": about.name,
            "title": about.title,
            "source": about.source,
            "differs": about.differs,
            "quick": self.quick,
            "smaller": about.smaller if self.quick else None,
            "seeds": self.seeds,
            "seconds": self.seconds,
            "findings": [finding.to_dict() for finding in self.outcome.findings],
        }


def figure_of_one_run(claim: str, published: float, values: ArrayLike, decimals: int = 2) -> Finding:
    """A published accuracy of a single run, in percent with so many decimals, placed among ours."""
    mean = interval(values)
    low, high = (f"{100 * min(max(end, 0.0), 1.0):.2f}" for end in range_of_runs(values))
    ours = f"mean {in_words('accuracy', mean)}; 95 % of runs {low} to {high} %"
    verdict = placed(published, values, 0.5 * 10 ** -(2 + decimals))
    return Finding(claim, f"{100 * published:.{decimals}f} %", ours, verdict, mean.seeds)


def a_better_than_b(
    claim: str, published: str, a: tuple[str, ArrayLike], b: tuple[str, ArrayLike], metric: str = "test_accuracy"
) -> Finding:
    """A statement that one setting is better than another, against the paired difference of ours."""
    loss = metric.endswith("loss")
    pair = compare(a[1], b[1], names=(a[0], b[0]), higher_is_better=not loss)
    unit = " points" if metric.endswith("accuracy") else ""
    ours = f"{a[0]} − {b[0]}: {difference_in_words(metric, pair.difference)}{unit}"
    return Finding(claim, published, ours, better(pair), pair.difference.seeds)


def most_runs(claim: str, published: str, count: int, trials: int, expected: bool) -> Finding:
    """A statement that runs do, or do not, against the share of ours that does."""
    measured = share(count, trials)
    ours = f"{count} of {trials}: {in_words('accuracy', measured)}"
    return Finding(claim, published, ours, mostly(measured, expected), trials)


def value_in_theory(
    claim: str, published: str, low: float, high: float, measured: Interval, metric: str = "value"
) -> Finding:
    """A value, or bounds on one, that theory gives, against what was measured."""
    return Finding(claim, published, in_words(metric, measured), between(measured, low, high), measured.seeds)
