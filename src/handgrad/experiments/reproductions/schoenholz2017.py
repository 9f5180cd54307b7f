"""Schoenholz et al. 2017: tanh networks learn to about 6 ξ_c layers, the depth over which signals keep apart."""

from typing import TYPE_CHECKING, Any

from handgrad import plots, theory
from handgrad.arrays import Array
from handgrad.experiments.reproductions.reproduction import Bench, Finding, Outcome, Reproduction, a_better_than_b
from handgrad.experiments.reproductions.verdicts import Verdict, mostly, share
from handgrad.experiments.reproductions.weights import mean_field

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VARIANCE_B, WIDTH, LEARNED = 0.05, 64, 0.5
DEPTHS = (10, 20, 40)
SIGMAS = (1.0, 1.5, 2.0, 3.0)  # and the critical one


def measure(bench: Bench) -> Outcome:
    """Every spread of weights at every depth: does it learn?"""
    critical, _ = theory.critical_point("tanh", VARIANCE_B**0.5)
    sigmas = sorted({*SIGMAS, round(critical, 3)})
    epochs, depths = (3, DEPTHS[:2]) if bench.quick else (20, DEPTHS)
    reached = {depth: _reached(bench, depth, sigmas, epochs) for depth in depths}
    findings = [_depth(sigma, {d: reached[d][sigma] for d in depths}) for sigma in sigmas]
    deepest, at_edge = reached[depths[-1]], round(critical, 3)
    for sigma in (1.0, 3.0):
        pair = ("critical", deepest[at_edge]), (f"σ_w = {sigma:g}", deepest[sigma])
        claim = f"{depths[-1]} layers: critical σ_w = {at_edge:g} against {sigma:g}, training accuracy"
        findings.append(a_better_than_b(claim, "critical weights learn deepest", *pair))
    table = [(f"{sigma:g}", *_three_numbers(deepest[sigma])) for sigma in sigmas]

    def draw() -> "Axes":
        ax = plots.intervals(table, xlabel=f"training accuracy at {depths[-1]} layers")
        ax.set_ylabel("σ_w")
        return ax

    return Outcome(tuple(findings), {"Training accuracy at the largest depth": draw})


def _reached(bench: Bench, depth: int, sigmas: list[float], epochs: int) -> dict[float, Array]:
    """Training accuracy over seeds by σ_w."""
    network: dict[str, Any] = {
        "hidden_sizes": [WIDTH] * depth,
        "activation": "tanh",
        "bias_init": f"normal({VARIANCE_B**0.5!r})",
        "dtype": "float32",
    }
    training = {"epochs": epochs, "batch_size": 32, "learning_rate": 0.05}
    vary = {"init": {f"{sigma:g}": mean_field(sigma_w=sigma) for sigma in sigmas}}
    values = bench.run("digits", network, training=training, vary=vary).values("train_accuracy")
    return {sigma: values[(f"{sigma:g}",)] for sigma in sigmas}


def _depth(sigma: float, reached: dict[int, Array]) -> Finding:
    """Whether most runs learn at the depths below 6 ξ_c, and at none above."""
    reach = 6 * theory.depth_scale("tanh", sigma, VARIANCE_B**0.5)
    counts = {depth: int((values > LEARNED).sum()) for depth, values in reached.items()}
    seeds = len(next(iter(reached.values())))
    each = {depth: mostly(share(count, seeds), depth <= reach) for depth, count in counts.items()}
    learned = ", ".join(f"{count} of {seeds} at {depth}" for depth, count in counts.items())
    published = f"6 ξ_c = {reach:.0f}" if reach < 10_000 else "6 ξ_c beyond 10,000"
    return Finding(f"σ_w = {sigma:g}: layers that learn", published, learned, _all(each, reach), seeds)


def _all(each: dict[int, Verdict], reach: float) -> Verdict:
    wrong = [depth for depth, verdict in each.items() if verdict.agrees is False]
    if wrong:
        short = [depth for depth in wrong if depth <= reach]
        said = f"{short[0]} layers are below 6 ξ_c and do not learn" if short else f"{wrong[0]} layers learn too"
        return Verdict(False, said)
    open_ones = [depth for depth, verdict in each.items() if verdict.agrees is None]
    if open_ones:
        return Verdict(None, f"some runs learn at {open_ones[0]} layers, some do not")
    return Verdict(True, "most learn below it, and none beyond" if any(d > reach for d in each) else "most learn below")


def _three_numbers(values: Array) -> tuple[float, float, float]:
    from handgrad.experiments.statistics import interval

    found = interval(values)
    return found.value, found.low, found.high


REPRODUCTION = Reproduction(
    name="schoenholz2017",
    title="How deep tanh networks can be trained",
    source="Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017, Deep information propagation, section 5: trainable "
    "depth against 6 ξ_c, with σ_b² = 0.05",
    differs="Theirs are 300 units wide, up to 300 layers deep, on MNIST; ours have 64 units and 10, 20 or 40 hidden "
    "layers on the 8 x 8 digits, 20 epochs at rate 0.05. A run learns when its training accuracy passes a half; "
    "more steps, or wider layers, might take it deeper",
    seeds=10,
    quick_seeds=6,
    smaller="3 epochs instead of 20, and no 40 layers",
    measure=measure,
)
