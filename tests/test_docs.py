"""What README and docs say, run as printed."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import handgrad as hg
from handgrad.cli import app
from handgrad.experiments.recipe import DataRecipe, NetworkRecipe, TrainingRecipe
from handgrad.files import container, description
from handgrad.gradcheck.signatures.registry import SIGNATURES, UNKNOWN
from handgrad.health import ILLNESSES
from handgrad.tracing.text import SHOWN_COLUMNS, SHOWN_ROWS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCTOR = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
CHECKING = (ROOT / "docs" / "gradient-checking.md").read_text(encoding="utf-8")
ESTIMATORS = (ROOT / "docs" / "estimators.md").read_text(encoding="utf-8")
RELIABILITY = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
STATISTICS = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
INTERCHANGE = (ROOT / "docs" / "interchange.md").read_text(encoding="utf-8")
STUDIES = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
STREAMS = (ROOT / "docs" / "bigger-than-memory.md").read_text(encoding="utf-8")
THEORY = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
TRACING = (ROOT / "docs" / "tracing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, flags=re.DOTALL)


def without_rounding(text: str) -> str:
    """Relative errors are rounding noise, and so is which entry is the worst; both differ from one CPU to the next."""
    text = re.sub(r"\d\.\de-\d\d +\[.*\] .* ok$", "<noise> ok", text, flags=re.MULTILINE)
    return re.sub(r" +", " ", text)


@pytest.mark.parametrize(("code", "printed"), BLOCKS, ids=["first screen", "a gradient", "an activation"])
def test_readme_prints_what_it_says(code: str, printed: str, tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert without_rounding(run.stdout) == without_rounding(printed)
    assert [line for line in run.stderr.splitlines() if not line.startswith("handgrad: compiling")] == []


def test_the_first_screen_draws_its_picture(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", BLOCKS[0][0]], cwd=tmp_path, check=True)
    assert (tmp_path / "moons.png").read_bytes().startswith(b"\x89PNG")


def test_the_commands_on_a_table_and_what_python_then_does(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"age": generator.normal(50, 10, 60), "ward": generator.choice(["A", "B"], 60)})
    table.assign(outcome=np.where(table["age"] > 50, "ill", "well")).to_csv(tmp_path / "patients.csv", index=False)
    table.head(5).to_csv(tmp_path / "new.csv", index=False)
    commands = re.findall(r"^handgrad (\w.*?) +#", README, flags=re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["train", "predict", "check"]
    printed = [
        subprocess.run(
            [sys.executable, "-m", "handgrad", *command.split()],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
        for command in commands
    ]
    net = hg.load(tmp_path / "patients-network" / "model.safetensors")
    classes = net.predict(net.preprocessing.transform(table.head(5)))
    assert printed[1].split() == ["predicted", *(net.preprocessing.class_names[each] for each in classes)]
    assert "PROVED" in printed[2]


def test_the_page_on_gradient_checking_prints_what_it_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its blocks, one after another, as a reader runs them; those of a library that is not here are left out."""
    names: dict[str, Any] = {}
    for code, printed in re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", CHECKING, flags=re.DOTALL):
        libraries = re.findall(r"^import (torch|jax)$", code, flags=re.MULTILINE)
        if all(importlib.util.find_spec(each) for each in libraries):
            exec(code, names)
            assert without_rounding(capsys.readouterr().out) == without_rounding(printed)
    names["test_my_gradient"]()


def test_the_commands_on_gradient_checking_pass(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(# mine.py\n.*?)```", CHECKING, flags=re.DOTALL)
    (tmp_path / "mine.py").write_text(code)
    (commands,) = re.findall(r"```sh\n(.*?)```", CHECKING, flags=re.DOTALL)
    for command in commands.splitlines():
        run = [sys.executable, "-m", *command.split()]
        subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "errors.png").exists()


def test_the_page_on_gradient_checking_tells_every_cause() -> None:
    told = re.findall(r"^\| ([a-z-]+) \|.*\|.*\|$", CHECKING.split("## What the findings mean")[1], flags=re.MULTILINE)
    causes = {signature.cause for signature in SIGNATURES}
    assert set(told) == causes | {UNKNOWN, "on-kinks", "below-noise", "cause"}
    assert len(told) == len(set(told))


def test_the_page_on_statistics_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    ((code, printed),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", STATISTICS, flags=re.DOTALL)
    exec(code, {})
    assert capsys.readouterr().out == printed


def test_the_page_on_estimators_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Its blocks, one after another, as a reader runs them."""
    names: dict[str, Any] = {}
    for code, printed in re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", ESTIMATORS, flags=re.DOTALL):
        exec(code, names)
        assert capsys.readouterr().out == printed


def test_the_page_on_theory_prints_what_it_says(tmp_path: Path) -> None:
    """Its blocks, one after another, as a reader runs them."""
    blocks = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", THEORY, flags=re.DOTALL)
    program = "\n".join(code for code, _ in blocks)
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True
    )
    assert run.stdout == "".join(printed for _, printed in blocks)
    assert (tmp_path / "correlation.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_on_the_doctor_prints_what_it_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, Any] = {}
    for code, printed in re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", DOCTOR, flags=re.DOTALL):
        exec(code, names)
        assert capsys.readouterr().out == printed


def test_the_commands_on_the_doctor_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (commands,) = re.findall(r"```sh\n(.*?)```", DOCTOR, flags=re.DOTALL)
    for command in commands.splitlines():
        done = CliRunner().invoke(app, command.removeprefix("handgrad ").split())
        assert done.exit_code == 0, done.stderr
    assert (tmp_path / "signals.png").exists()


def test_the_page_on_the_doctor_tells_every_finding_and_its_remedy() -> None:
    table = DOCTOR.split("## What the findings mean")[1]
    told = re.findall(r"^\| ([a-z-]+) \| .* \| (.*) \|$", table, flags=re.MULTILINE)[1:]
    assert told == [(illness.slug, illness.advice) for illness in ILLNESSES]


def test_the_page_on_studies_prints_what_it_says_and_its_commands_pass(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ((code, printed),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", STUDIES, flags=re.DOTALL)
    exec(code, {})
    assert capsys.readouterr().out == printed
    (study,) = re.findall(r"```toml\n(.*?)```", STUDIES, flags=re.DOTALL)
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    for command in re.findall(r"```sh\nhandgrad (.*?)\n```", STUDIES):
        done = CliRunner().invoke(app, command.split())
        assert done.exit_code == 0, done.stderr
    assert (tmp_path / "comparison" / "report.html").exists()


def test_the_page_on_studies_tells_every_field() -> None:
    told = set(re.findall(r"`(\w+)`", STUDIES.split("## Fields")[1].split("Any of them may vary")[0]))
    fields = {name for kind in (DataRecipe, NetworkRecipe, TrainingRecipe) for name in kind.__dataclass_fields__}
    assert fields <= told


def test_the_page_on_data_bigger_than_memory_prints_what_it_says_and_its_commands_pass(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code, printed in re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", STREAMS, flags=re.DOTALL):
        exec(code, names)
        assert capsys.readouterr().out == printed
    (commands,) = re.findall(r"```sh\n(handgrad.*?)```", STREAMS, flags=re.DOTALL)
    for command in commands.splitlines():
        done = CliRunner().invoke(app, command.removeprefix("handgrad ").split())
        assert done.exit_code == 0, done.stderr
    assert len(pd.read_csv("prices.csv")) == 20_000


def test_the_page_on_interchange_prints_what_it_says_and_its_commands_pass(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its blocks and commands, one after another, as a reader runs them."""
    for library in ("onnx", "onnxruntime", "torch"):
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = re.findall(r"```(python|sh)\n(.*?)```\n(?:\n```text\n(.*?)```)?", INTERCHANGE, flags=re.DOTALL)
    for kind, code, printed in blocks:
        if kind == "python":
            exec(code, names)
            assert capsys.readouterr().out == printed
        else:
            for command in code.splitlines():
                done = CliRunner().invoke(app, command.removeprefix("handgrad ").split())
                assert done.exit_code == 0, done.stderr
    assert {each.name for each in (tmp_path / "iris-network").iterdir()} >= {"model.onnx", "model.pt"}


def test_the_page_on_reliability_prints_what_it_says_and_its_command_passes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code, printed in re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", RELIABILITY, flags=re.DOTALL):
        exec(code, names)
        assert capsys.readouterr().out.replace(str(tmp_path), "...") == printed
    (command,) = re.findall(r"```sh\nhandgrad (.*?)\n```", RELIABILITY)
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "moons-network" / "model.safetensors").exists()


def test_the_page_on_reliability_tells_the_limits_of_files() -> None:
    limits = container._LONGEST, container._MOST, container._HEADER, description._MOST_LAYERS
    told = RELIABILITY.split("## Files that can be trusted")[1]
    assert [f"{limit:,}" for limit in limits if f"{limit:,}" not in told] == []


def test_the_page_on_tracing_prints_what_it_says_and_its_commands_pass(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code, printed in re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", TRACING, flags=re.DOTALL):
        exec(code, names)
        assert capsys.readouterr().out == printed
    (commands,) = re.findall(r"```sh\n(.*?)```", TRACING, flags=re.DOTALL)
    for command in commands.splitlines():
        done = CliRunner().invoke(app, command.removeprefix("handgrad ").split())
        assert done.exit_code == 0, done.stderr
    assert (tmp_path / "trace.html").exists()


def test_the_page_on_tracing_tells_every_key_and_limit() -> None:
    plain = hg.trace(hg.Network.mlp([2, 2]), [[1.0, 2.0]], [0]).to_dict()
    step = plain["steps"][1]
    told = set(re.findall(r"`(\w+)`", TRACING))
    for each in (plain, plain["layers"][0], step, step["terms"][0], step["products"][0]):
        assert set(each) <= told
    limits = plain["limits"]
    assert f"The first {limits['products']} entries" in TRACING
    assert f"the first {limits['summands']} summands" in TRACING
    assert f"up to {SHOWN_ROWS} by {SHOWN_COLUMNS}" in TRACING
