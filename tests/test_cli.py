"""The command line: exit codes, pure JSON, one-line errors, and train → predict → check round trips."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import handgrad as hg
from handgrad.cli import app, main
from handgrad.cli.learning import hidden_sizes, learn

COMMANDS = ("demo", "train", "predict", "export", "check", "compare", "reproduce", "doctor", "trace", "bench")
FUNCTIONS = """
import numpy as np
x = np.array([1.0, 2.0])
right = (lambda x: (x**3).sum(), lambda x: 3 * x**2, x)
wrong = (lambda x: (x**3).sum(), lambda x: 2 * x**2, x)
def made(): return right
def breaks(): raise KeyError("k")
number = 3
"""

LARGE = """
import numpy as np
x = {"W": np.linspace(1, 2, 200).reshape(20, 10), "b": np.arange(1.0, 4.0)}
def triple(): return (
    lambda p: (p["W"] ** 3).sum() + (p["b"] ** 3).sum(), lambda p: {"W": 6 * p["W"] ** 2, "b": 3 * p["b"] ** 2}, x)
"""

SEVERAL = """
from __future__ import annotations
from dataclasses import dataclass
from handgrad import check_gradient
from mine import right, wrong as _left_out
from elsewhere import check_foreign
@dataclass
class Settings: rate: float
settings, colour, not_a_triple = Settings(0.5), (1, 2, 3), (print, print, print)
def check_made(): return right
def check_optional(seed=0, *more, **named): return right
def check_another(argument): raise KeyError("called")
def made(): raise KeyError("called")
"""
MORE = {
    "several.py": SEVERAL,
    "elsewhere.py": "def check_foreign(): raise KeyError('called')",
    "nothing.py": "number = 3",
    "bad.py": "import numpy as np\ndef check_numbers(): return sum, np.ones, np.arange(2, dtype=np.int64)",
    "forgets.py": "def check_it(): pass",
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    (tmp_path / "breaks.py").write_text("1 / 0")
    for name, text in MORE.items():
        (tmp_path / name).write_text(text)


@pytest.fixture
def fruit(tmp_path):
    """A table with numbers, text and text labels; the label follows from both."""
    draws = np.random.default_rng(0)
    weight = draws.normal(150, 30, size=120)
    colour = draws.choice(["red", "green", "yellow"], size=120)
    kind = np.where(colour == "yellow", "banana", np.where(weight > 150, "large apple", "small apple"))
    frame = pd.DataFrame({"weight": weight, "kind": kind, "colour": colour})
    frame.to_csv(tmp_path / "fruit.csv", index=False)
    return frame


def _large():
    namespace = {}
    exec(LARGE, namespace)
    return namespace["triple"]()


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def trained(*arguments):
    """Train quickly, check that it went well, and return the metrics."""
    done = run("train", *arguments, "--json", "--hidden", "8")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


# --- train, predict, check --------------------------------------------------------------------------------------------


def test_a_table_goes_through_train_predict_and_check(fruit, tmp_path):
    metrics = trained("fruit.csv", "--target", "kind", "--out", "net", "--epochs", 60, "--learning-rate", 0.02)
    assert metrics["test"]["accuracy"] > 0.8 > metrics["baseline_test"]["accuracy"]
    assert json.loads((tmp_path / "net" / "metrics.json").read_text()) | {"out": "net"} == metrics
    names = {"model.safetensors", "metrics.json", "history.csv", "history.png", "confusion_matrix.png"}
    assert {each.name for each in (tmp_path / "net").iterdir()} == names
    history = pd.read_csv("net/history.csv")
    assert list(history.columns) == [
        "epoch",
        "loss",
        "learning_rate",
        "validation_loss",
        "accuracy",
        "validation_accuracy",
    ]
    assert len(history) == metrics["epochs_run"]

    done = run("predict", "net/model.safetensors", "fruit.csv", "--proba", "--out", "answers.csv")
    assert (done.exit_code, done.stdout) == (0, "")
    answers = pd.read_csv("answers.csv")
    net = hg.load("net/model.safetensors")
    X = net.preprocessing.transform(fruit)
    assert list(answers.predicted) == [net.preprocessing.class_names[i] for i in net.predict(X)]
    assert list(answers.columns[1:]) == ["p(banana)", "p(large apple)", "p(small apple)"]
    assert np.allclose(answers.iloc[:, 1:], net.predict_proba(X), rtol=1e-12)
    assert np.mean(answers.predicted == fruit.kind) > 0.8

    done = run("check", "net/model.safetensors", "fruit.csv", "--json")
    assert done.exit_code == 0
    checked = json.loads(done.stdout)
    expected = hg.check_network(net, X[:20], [net.preprocessing.class_names.index(kind) for kind in fruit.kind[:20]])
    assert checked == json.loads(json.dumps(expected.to_dict()))


def test_predict_without_the_target_column_and_to_standard_output(fruit):
    trained("fruit.csv", "--target", "kind", "--out", "net", "--epochs", 2)
    with_target = run("predict", "net/model.safetensors", "fruit.csv")
    fruit[["colour", "weight"]].to_parquet("rows.parquet")
    without = run("predict", "net/model.safetensors", "rows.parquet")
    assert with_target.exit_code == without.exit_code == 0
    assert with_target.stdout == without.stdout
    assert without.stdout.splitlines()[0] == "predicted"
    assert len(without.stdout.splitlines()) == 121
    as_json = json.loads(run("predict", "net/model.safetensors", "rows.parquet", "--json").stdout)
    assert as_json["predicted"] == without.stdout.splitlines()[1:]


def test_the_test_rows_play_no_part_in_training(fruit, tmp_path):
    """Rows that are only tested on may change without changing the network, its standardisation included."""
    trained("fruit.csv", "--target", "kind", "--out", "before", "--epochs", 3)
    dataset = hg.datasets.from_pandas(fruit, "kind")
    _, test = dataset.split(test=0.25, seed=0)
    changed = fruit.copy()
    changed.loc[changed.weight.isin(test.rows.weight), "weight"] *= 10
    assert (changed.weight != fruit.weight).sum() == 30
    changed.to_csv("fruit.csv", index=False)
    trained("fruit.csv", "--target", "kind", "--out", "after", "--epochs", 3)
    before, after = (hg.load(tmp_path / each / "model.safetensors") for each in ("before", "after"))
    assert np.array_equal(before.params, after.params)
    assert before.preprocessing == after.preprocessing


def test_regression_is_learned_in_any_unit():
    draws = np.random.default_rng(0)
    x = draws.normal(size=(200, 2))
    price = 1e6 + 1e4 * (x[:, 0] - 2 * x[:, 1])
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "price": price}).to_csv("houses.csv", index=False)
    metrics = trained("houses.csv", "--target", "price", "--learning-rate", 0.02, "--epochs", 100)
    assert metrics["test"]["r2"] > 0.95
    assert metrics["baseline"] == "mean"
    assert metrics["baseline_test"]["r2"] <= 0
    answers = json.loads(run("predict", "houses-network/model.safetensors", "houses.csv", "--json").stdout)
    assert np.corrcoef(answers["predicted"], price)[0, 1] > 0.97
    assert abs(np.mean(answers["predicted"]) - 1e6) < 1e4
    assert run("check", "houses-network/model.safetensors", "houses.csv").exit_code == 0


def test_metrics_and_baseline_are_scikit_learns(fruit):
    from sklearn import metrics as sk
    from sklearn.dummy import DummyClassifier

    metrics = trained("fruit.csv", "--target", "kind", "--out", "net", "--epochs", 5, "--patience", 0)
    net = hg.load("net/model.safetensors")
    train, test = hg.datasets.from_pandas(fruit, "kind").split(test=0.25, seed=0)
    p = net.predict_proba(test.X)
    assert metrics["test"]["accuracy"] == sk.accuracy_score(test.y, p.argmax(axis=1))
    assert metrics["test"]["log_loss"] == pytest.approx(sk.log_loss(test.y, p), rel=1e-12)
    dummy = DummyClassifier(strategy="prior").fit(train.X, train.y)
    assert metrics["baseline_test"]["accuracy"] == dummy.score(test.X, test.y)
    assert metrics["baseline_test"]["log_loss"] == pytest.approx(sk.log_loss(test.y, dummy.predict_proba(test.X)))
    assert metrics["rows"] == {"train": 90, "validation": 0, "test": 30}
    assert metrics["epochs_run"] == 5


def test_two_classes_with_one_sigmoid_output():
    metrics = trained("moons", "--loss", "sigmoid_cross_entropy", "--epochs", 30, "--learning-rate", 0.05)
    assert metrics["test"]["accuracy"] > 0.7
    answers = json.loads(run("predict", "moons-network/model.safetensors", "moons", "--proba", "--json").stdout)
    assert set(answers["predicted"]) == {"0", "1"}
    assert np.allclose(np.add(answers["p(0)"], answers["p(1)"]), 1)
    assert run("check", "moons-network/model.safetensors", "moons").exit_code == 0


def test_every_setting_reaches_the_network():
    settings = "--activation tanh --init glorot_normal --optimizer lbfgs --l2 0.01 --norm layer --batch-size 0 --seed 3"
    metrics = trained("iris", *settings.split(), "--epochs", 3, "--test", 0.4)
    net = hg.load("iris-network/model.safetensors")
    assert (net.l2, net.seed, str(net.init[0])) == (0.01, 3, "glorot_normal")
    assert [type(layer).__name__ for layer in net.layers] == ["Dense", "LayerNorm", "Activation", "Dense"]
    assert metrics["rows"] == {"train": 72, "validation": 18, "test": 60}


def test_training_is_summarised_beside_the_baseline():
    done = run("train", "iris", "--epochs", 2)
    assert done.exit_code == 0
    for words in ("majority class", "balanced accuracy", "another would differ", "iris-network"):
        assert words in done.stdout


def test_the_loss_decides_how_an_integer_target_is_taken():
    draws = np.random.default_rng(0)
    x = draws.normal(size=200)
    pd.DataFrame({"x": x, "visits": draws.poisson(np.exp(0.5 * x))}).to_csv("visits.csv", index=False)
    call = ("train", "visits.csv", "--target", "visits", "--epochs", 2, "--hidden", "4")
    for loss in ("poisson", "mse"):
        done = run(*call, "--loss", loss, "--out", loss)
        assert done.exit_code == 0, done.stderr
        assert "target 'visits': a number" in " ".join(done.stdout.split())


def test_the_summary_says_when_training_stopped_early():
    done = run("train", "iris", "--hidden", 8, "--learning-rate", 0.05, "--patience", 3)
    words = " ".join(done.stdout.split())
    assert "target 'species': 3 classes" in words
    assert "stopped early after" in words
    assert "(judged on 23 rows set aside)" in words


def test_hidden_sizes():
    assert hidden_sizes("none") == []
    assert hidden_sizes("8") == [8]


# --- functions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("mine.py:right", 0, "PROVED"),
        ("mine:right", 0, "PROVED"),
        ("mine.py:made", 0, "PROVED"),
        ("mine.py:wrong", 1, "not proved: x"),
        ("mine.py:breaks", 1, "raised KeyError"),
        ("mine.py:number", 2, "expected (function, gradient, x)"),
        ("mine.py:rihgt", 2, "did you mean 'right'"),
        ("nowhere.py:right", 2, "does not exist"),
        ("nowhere:right", 2, "No module named"),
        ("breaks.py:right", 2, "ZeroDivisionError"),
        ("model.safetensors", 2, "followed by DATA"),
        ("iris-network", 2, "followed by DATA"),
        ("several.py", 0, "3 of 3 proved"),
        ("several", 0, "3 of 3 proved"),
        ("mine.py", 1, "not proved: wrong: x"),
        ("nowhere.py", 2, "does not exist"),
        ("nowhere", 2, "No module named 'nowhere'; expected a module, a file ending in .py, or a saved network"),
        ("nothing.py", 2, "nothing.py holds nothing to check"),
        ("bad.py", 2, "bad.py:check_numbers: x holds int64; expected floats"),
        ("forgets.py", 2, "forgets.py:check_it: it gives NoneType"),
        ("mine.py:wrong iris", 2, "leave DATA out"),
    ],
)
def test_check_of_a_function(name, code, says):
    done = run("check", *name.split())
    assert done.exit_code == code
    assert says in (done.stdout if code == 0 else done.stderr)


def test_everything_in_a_file_is_checked_and_nothing_else():
    done = run("check", "several.py")
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("PROVED:")] == [
        "right",
        "check_made",
        "check_optional",
    ]


def test_what_cannot_be_checked_does_not_hide_the_rest():
    text = "\n".join(
        [
            "import numpy as np, handgrad as hg",
            "from mine import right, wrong",
            "print('hello')",
            "ints = (np.sum, np.ones_like, np.array([1, 2]))",
            "def check_report(): print('checking'); return hg.check_gradient(*right)",
        ]
    )
    Path("mixed.py").write_text(text)
    done = run("check", "mixed.py")
    assert done.exit_code == 2
    assert "NOT CHECKED: ints: mixed.py:ints: x holds int64; expected floats" in done.stdout
    assert done.stdout.endswith("2 of 4 proved\n")
    assert "not proved: wrong: x" in done.stderr
    assert "hello" in done.stderr
    reports = json.loads(run("check", "mixed.py", "--json").stdout)
    assert {name: report["verdict"] for name, report in reports.items()} == {
        "right": "PASSED",
        "wrong": "FAILED",
        "check_report": "PASSED",
        "ints": "NOT CHECKED",
    }


def test_a_file_as_json_is_a_dict_by_name():
    done = run("check", "mine.py", "--json")
    assert done.exit_code == 1
    reports = json.loads(done.stdout)
    assert {name: report["passed"] for name, report in reports.items()} == {"right": True, "wrong": False}
    assert reports["right"] == json.loads(run("check", "mine.py:right", "--json").stdout)


def test_check_prints_the_report_s_table_findings_and_notes():
    Path("large.py").write_text(LARGE)
    report = hg.check_gradient(*_large(), entries=50)
    done = run("check", "large.py:triple", "--entries", "50")
    assert done.exit_code == 1
    words = done.stdout.split()
    assert words[:3] == ["NOT", "PROVED:", "gradient"]
    for row in report.rows():
        assert " ".join(" ".join(row).split()) in " ".join(words)
    for saying in (*report.sayings(), *report.notes):
        assert " ".join(saying.split()) in " ".join(words)
    assert "constant-factor" in done.stderr


def test_check_takes_another_tolerance_and_draws_the_errors(tmp_path):
    Path("large.py").write_text(LARGE)
    assert run("check", "large.py:triple", "--tolerance", "9", "--plot", "e.png").exit_code == 0
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")


def test_a_gradient_that_cannot_be_compared_is_json_too():
    Path("odd.py").write_text("import numpy as np\nodd = (lambda x: (x**2).sum(), lambda x: np.ones(2), np.ones(5))")
    done = run("check", "odd.py:odd", "--json", "--plot", "odd.png")
    assert done.exit_code == 1
    (parameter,) = json.loads(done.stdout)["parameters"]
    assert (parameter["verdict"], parameter["analytic"]) == ("WRONG", None)


def test_a_network_is_checked_as_it_trains_or_as_it_predicts():
    draws = np.random.default_rng(0)
    frame = pd.DataFrame(draws.normal(size=(20, 2)), columns=["a", "b"]).assign(y=draws.normal(size=20))
    frame.to_csv("numbers.csv", index=False)
    hg.save(hg.Network.mlp([2, 3, 1], loss="mse", activation="tanh", dropout=0.5), "net.safetensors")
    values = [
        json.loads(run("check", "net.safetensors", "numbers.csv", "--target", "y", "--json", *flag).stdout)["loss"]
        for flag in ([], ["--training"], ["--no-training"])
    ]
    assert values[0] == values[1] != values[2]


def test_a_failed_check_names_no_unknown_cause():
    assert "unknown" not in run("check", "mine.py:wrong").stderr


def test_a_failed_check_still_prints_json():
    done = run("check", "mine.py:wrong", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["passed"] is False


# --- bad calls --------------------------------------------------------------------------------------------------------

BAD_CALLS = [
    ("train irs", "did you mean 'iris'"),
    ("train nofile.csv --target kind", "no such file"),
    ("train fruit.csv", "name the column"),
    ("train fruit.csv --target kin", "did you mean 'kind'"),
    ("train iris --target species", "has its own target"),
    ("train table.xlsx --target kind", "ending in .csv, .parquet, .npz"),
    ("train constant.csv --target y", "is 3.5 in every row"),
    ("train huge.csv --target y", "up to 5e+200; expected at most 1e+100"),
    ("train fruit.csv --target kin --out full", "did you mean 'kind'"),
    ("train iris --activation rleu", "did you mean 'relu'"),
    ("train iris --init he_norm", "did you mean 'he_normal'"),
    ("train iris --optimizer adm", "did you mean 'adam'"),
    ("train iris --loss mse", "has 3 classes"),
    ("train iris --loss sigmoid_cross_entropy", "for two classes"),
    ("train diabetes --loss softmax_cross_entropy", "is a number"),
    ("train iris --hidden 8,x", "whole numbers such as 64,32"),
    ("train iris --hidden 0", "at least 1"),
    ("train iris --epochs 0", "epochs is 0"),
    ("train iris --learning-rate -1", "learning_rate is -1"),
    ("train iris --optimizer lbfgs --learning-rate 1", "leave it out"),
    ("train iris --dropout 1.5", "1.5"),
    ("train iris --norm bach", "did you mean 'batch'"),
    ("train iris --test 1.5", "test is 1.5"),
    ("train iris --patience -1", "patience"),
    ("train iris --seed -1", "seed is -1"),
    ("train iris --l2 -1", "l2 is -1"),
    ("train iris --out fruit.csv", "is a file"),
    ("train iris --out full", "holds something already"),
    ("train iris --out fruit.csv/deeper", "nothing can be written"),
    ("predict nonet.safetensors fruit.csv", "nonet.safetensors"),
    ("predict foreign.safetensors fruit.csv", "another program"),
    ("predict stack.safetensors fruit.csv", "stack of 3"),
    ("predict net.safetensors fruit.csv", "'banana' at row 0; expected a number"),
    ("predict net.safetensors nofile.csv", "no such file"),
    ("predict net.safetensors plane.csv --out fruit.csv", "exists already"),
    ("predict values.safetensors plane.csv --proba", "not probabilities"),
    ("check net.safetensors plane.csv", "--target is needed"),
    ("check net.safetensors plane.csv --target x3", "unknown target column 'x3'"),
    ("check net.safetensors iris --target species", "has its own target"),
    ("check mine.py:right --tolerance -1", "tolerance is -1"),
    ("check mine.py:right --entries 0", "entries is 0"),
    ("check mine.py:right --plot errors.pdf", "expected a file ending in .png"),
    ("check mine.py:right --plot nowhere/errors.png", "no folder 'nowhere'"),
    ("check mine.py --plot errors.png", "as mine.py:name"),
    ("demo --seeds 1", "seeds is 1"),
    ("demo --out taken", "exists already"),
]


@pytest.fixture
def surroundings(fruit, tmp_path):
    from safetensors.numpy import save_file

    save_file({"weights": np.zeros(3)}, "foreign.safetensors")
    hg.save(hg.Network.mlp([2, 3, 2], seed=range(3)), "stack.safetensors")
    hg.save(hg.Network.mlp([2, 3, 2]), "net.safetensors")
    hg.save(hg.Network.mlp([2, 3, 1], loss="mse"), "values.safetensors")
    pd.DataFrame({"x1": [0.0, 1.0], "x2": [1.0, 0.0]}).to_csv("plane.csv", index=False)
    for name, y in (("constant", [3.5] * 40), ("huge", [1e200 * (i % 6) for i in range(40)])):
        pd.DataFrame({"x": np.arange(40.0), "y": y}).to_csv(f"{name}.csv", index=False)
    for place in ("full/something", "taken/index.html"):
        (tmp_path / place).parent.mkdir()
        (tmp_path / place).write_text("mine")
    return tmp_path


def everything_in(folder):
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file() and "__pycache__" not in str(each)}


@pytest.mark.parametrize(("call", "says"), BAD_CALLS, ids=[call for call, _ in BAD_CALLS])
def test_bad_calls_say_why_in_one_line_and_change_nothing(call, says, surroundings):
    before = everything_in(surroundings)
    done = run(*call.split())
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.startswith(f"handgrad {call.split()[0]}: ")
    assert done.stderr.count("\n") == 1
    assert everything_in(surroundings) == before
    assert sorted(each.name for each in surroundings.iterdir() if each.name.startswith(".")) == []


def test_divergence_exits_1_and_leaves_nothing(tmp_path):
    done = run("train", "regression_plane", "--optimizer", "sgd", "--learning-rate", "1e6", "--out", "net")
    assert done.exit_code == 1
    assert "epoch 1" in done.stderr
    assert "Try a lower learning rate" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "net").exists()


def test_force_replaces_only_what_it_writes(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "notes.txt").write_text("mine")
    assert run("train", "iris", "--epochs", 1, "--out", "net").exit_code == 2
    assert run("train", "iris", "--epochs", 1, "--out", "net", "--force").exit_code == 0
    assert (tmp_path / "net" / "notes.txt").read_text() == "mine"
    assert (tmp_path / "net" / "model.safetensors").exists()


@pytest.mark.parametrize("option", ["--target", "--task"])
def test_main_says_in_one_line_what_is_wrong_with_the_call_itself(option, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["handgrad", "trian", option])
    assert main() == 2
    error = capsys.readouterr().err
    assert "trian" in error
    assert "'train'" in error
    assert error.count("\n") == 1


# --- help, and the real thing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert f"handgrad {command} " in done.stdout.split("Example")[1]
    assert "--json" in done.stdout


def test_help_alone_is_light():
    """Nothing heavier than NumPy and typer is imported to show the help."""
    code = (
        "import sys, handgrad.cli; handgrad.cli.main();"
        "print(sorted({'scipy', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Begin with: handgrad demo" in done.stdout


def process(*arguments):
    command = [sys.executable, "-W", "error", "-m", "handgrad", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["check", "mine.py:right", "--json"], 0),
        (["check", "mine.py:wrong", "--json"], 1),
        (["train", "iris", "--epochs", "many"], 2),
        (["train", "iris", "--epohcs", "3"], 2),
        (["predict", "nothing.safetensors", "iris"], 2),
    ],
)
def test_exit_codes_of_the_real_command(arguments, code):
    done = process(*arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == (code > 0)
    if "--json" in arguments:
        json.loads(done.stdout)


def test_the_demo_with_two_seeds(tmp_path):
    done = process("demo", "--seeds", "2", "--json", "--out", "new/report")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no bar in a pipe
    result = json.loads(done.stdout)
    assert set(result["comparisons"]) == {"init", "activation", "depth", "batch_size", "l2"}
    assert result["notebook"]["test_accuracy"] == pytest.approx(0.98889, abs=1e-5)
    assert all(proof["passed"] for proof in result["proofs"].values())
    assert [each.name for each in (tmp_path / "new" / "report").iterdir()] == ["index.html"]
    assert 'name="generator" content="handgrad"' in (tmp_path / result["report"]).read_text(encoding="utf-8")


def test_learn_is_what_the_command_runs(fruit):
    """The same settings give the same network, run to run."""
    metrics = trained("fruit.csv", "--target", "kind", "--out", "net", "--epochs", 4)
    from handgrad.cli.learning import Settings

    again = learn(hg.datasets.load("fruit.csv", "kind"), Settings(**metrics["settings"]))
    assert np.array_equal(again.net.params, hg.load("net/model.safetensors").params)
