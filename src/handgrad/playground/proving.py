"""Prove it: the gradient checker on the network on screen. And one example's trace through it."""

from typing import Any

from handgrad.arrays import require_integer
from handgrad.gradcheck import check_network
from handgrad.network import Network
from handgrad.playground.jobs import Answer, Job, Tell
from handgrad.playground.run import Run
from handgrad.rules import unknown

_ROWS = 30  # that the checker looks at: it differentiates the mean over them


def proof_of(run: Run) -> Job:
    """The checker's report on this very network, mistake and all."""
    net, (X, y) = run.net.copy(), run.scene.train

    def work(tell: Tell) -> Answer:
        tell({"kind": "proof", "finished": False})
        report = check_network(net, X[:_ROWS], y[:_ROWS], entries=200)
        said = report.to_dict()
        return {
            "kind": "proof",
            "finished": True,
            "verdict": report.verdict,
            "headline": report.headline(),
            "rows": said["parameters"],
            "findings": said["findings"],
            "sayings": report.sayings(),
            "notes": said["notes"],
            "text": str(report),
        }

    return Job("prove", work)


def traced(run: Run, net: Network, row: Any, part: Any) -> Answer:
    """One row forward and back, number by number."""
    from handgrad.tracing import trace

    if part not in ("train", "test"):
        raise unknown("part", str(part), ("train", "test"))
    X, y = run.scene.train if part == "train" else run.scene.test
    if require_integer("row", row, at_least=0) >= len(X):
        raise ValueError(f"row is {row}; the {part} rows go from 0 to {len(X) - 1}")
    size = net.layout.size
    run.limits.require("traced_parameters", size, f"trace: this network has {size:,} parameters")
    found = trace(net, X[row : row + 1], y[row : row + 1])
    raw = run.scene.raw_train.X if part == "train" else run.scene.raw_test.X
    answer = {"kind": "trace", "epoch": run.epoch, "row": row, "part": part, "raw": raw[row].tolist()}
    return answer | {"trace": found.to_dict()}
