"""A run as Python code: running it gives the same weights, the same bits on the same type of processor."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from handgrad.experiments.draws import SYNTHETIC
from handgrad.experiments.recipe import TrainingRecipe
from handgrad.optimizers import Optimizer
from handgrad.playground.legs import Leg
from handgrad.playground.reading import written_texts
from handgrad.playground.run import Run


def code_of(run: Run) -> str:
    """The whole run: data, network, each leg of training, and its loss and metric at the end."""
    return "\n".join([*_head(run), "", *_data(run), "", *_network(run), "", *_legs(run), "", *_end(run), ""])


def study_code(
    run: Run, network: Mapping[str, Any], training: Mapping[str, Any], vary: Mapping[str, Any], seeds: int, engine: str
) -> str:
    """A study on the run's rows."""
    scene = run.scene
    names = f"{list(scene.inputs)!r}, {scene.raw_train.target_name!r}, {scene.classes!r}"
    data = f'"split": "in order", "test": {len(scene.test.X)}, "standardise": False, "one_hot": {scene.one_hot!r}'
    lines = [
        *_head(run),
        "",
        *_data(run),
        "",
        "# --- the study",
        "rows = np.concatenate([X, X_test]), np.concatenate([train.y, test.y])",
        f"table = hg.datasets.Dataset(*rows, {names})",
        "study = hg.Study(",
        f'    {{"name": table, {data}}},',
        f"    {_mapping(network)},",
        f"    {_mapping(training)},",
        f"    {_mapping(vary)},",
        f"    seeds={seeds},",
        '    sources=("init", "training"),',
        *([] if engine == "auto" else [f"    engine={engine!r},"]),
        ")",
        "result = study.run()",
        "print(result)",
        "print(result.conclusion())",
    ]
    return "\n".join(lines) + "\n"


def _mapping(values: Mapping[str, Any]) -> str:
    """A dict as an argument."""
    literals = {name: _mapping(each) if isinstance(each, dict) else _literal(each) for name, each in values.items()}
    return "{" + ", ".join(f"{name!r}: {literal}" for name, literal in literals.items()) + "}"


def _head(run: Run) -> Iterator[str]:
    yield f'"""{run.net!r}, trained for {run.epoch} epochs; made by handgrad\'s playground."""'
    yield ""
    if _embeds(run):
        yield "import base64"
    if run.document.data.csv is not None:
        yield "import io"
    if _embeds(run) or run.document.data.csv is not None:
        yield ""
    yield "import numpy as np"
    if run.document.data.csv is not None:
        yield "import pandas as pd"
    yield ""
    yield "import handgrad as hg"
    if run.document.mistake is not None:
        yield "from handgrad.gradcheck.mistakes import MISTAKES"


def _data(run: Run) -> Iterator[str]:
    source, scene = run.document.data, run.scene
    yield "# --- data"
    if source.csv is not None:
        columns = "" if source.columns is None else f"[{[*source.columns, source.target]!r}]"
        yield f"csv = {source.csv!r}"
        yield f"frame = pd.read_csv(io.StringIO(csv)){columns}"
        if any(scene.left_out):
            yield f"frame = frame.drop(columns={list(scene.left_out.columns)!r}).dropna()  # names, and empty cells"
        yield f"dataset = hg.datasets.from_pandas(frame, {source.target!r}, {source.task!r})"
    elif source.recipe.name in SYNTHETIC:
        given = "".join(f"{name}={value!r}, " for name, value in source.recipe.parameters.items())
        yield f"dataset = hg.datasets.{source.recipe.name}({given}seed={source.seed})"
    else:
        chosen = "" if source.columns is None else f".select(*{list(source.columns)!r})"
        yield f"dataset = hg.datasets.{source.recipe.name}(){chosen}"
    yield (
        f"train, test = dataset.split(test={source.recipe.test!r}, seed={source.seed}, "
        f"standardise={scene.standardised!r})"
    )
    if scene.expanded and scene.inputs != ("x1", "x2"):
        yield f"inputs = {list(scene.inputs)!r}"
        yield "X, X_test = (hg.datasets.plane_inputs(part.X, inputs) for part in (train, test))"
    else:
        yield "X, X_test = train.X, test.X"
    if scene.one_hot:
        yield "y, y_test = (np.eye(dataset.n_classes)[part.y] for part in (train, test))"
    elif scene.classes is None:
        yield "mean, scale = float(train.y.mean()), float(train.y.std()) or 1.0"
        yield "y, y_test = ((part.y - mean) / scale for part in (train, test))"
    else:
        yield "y, y_test = train.y, test.y"


def _network(run: Run) -> Iterator[str]:
    recipe, scene = run.document.network, run.scene
    sizes = [scene.train.X.shape[1], *recipe.hidden_sizes, scene.outputs]
    yield "# --- network"
    yield "net = hg.Network.mlp("
    yield f"    {sizes!r},"
    given: dict[str, Any] = {each.name: getattr(recipe, each.name) for each in fields(recipe)}
    del given["hidden_sizes"]
    for name, value in (given | {"loss": scene.loss, "seed": run.document.seed}).items():
        if value is not None:
            yield f"    {name}={_literal(value)},"
    yield ")"
    if run.document.mistake is not None:
        yield f"net = MISTAKES[{run.document.mistake!r}].plant(net)"
    start = run.document.start
    if start is not None and _embeds(run):
        yield f"net.params = np.frombuffer(base64.b64decode({base64.b64encode(start.params).decode()!r}))"
        yield f"net.state = np.frombuffer(base64.b64decode({base64.b64encode(start.state).decode()!r}))"


def _embeds(run: Run) -> bool:
    """Whether the run begins with weights of which it is not told how they came about."""
    return not run.told()


def _legs(run: Run) -> Iterator[str]:
    yield "# --- training"
    for leg in run.walked():
        for edit in leg.edits:
            row, column = edit.index
            yield f"net[{edit.parameter!r}][{row}, {column}] = {edit.value!r}"
        if leg.epochs:
            yield from _leg(leg, run.engine)


def _leg(leg: Leg, engine: str) -> Iterator[str]:
    recipe: TrainingRecipe = leg.training
    yield "training = hg.Training("
    yield "    net,"
    yield "    X,"
    yield "    y,"
    yield f"    epochs={recipe.epochs},"
    yield f"    batch_size={recipe.batch_size!r},"
    yield f"    optimizer=hg.{recipe.optimizer!r},"
    yield f"    schedule={str(recipe.schedule)!r},"
    if recipe.clip_norm is not None:
        yield f"    clip_norm={recipe.clip_norm!r},"
    if leg.frozen:
        yield f"    frozen={leg.frozen!r},"
    if engine != "auto":
        yield f"    engine={engine!r},"
    yield ")"
    yield f"training.run(epochs={leg.epochs})"


def _end(run: Run) -> Iterator[str]:
    yield "# --- what came out"
    yield 'print("loss on the training rows:", net.loss(X, y))'
    yield 'print("loss on the test rows:", net.loss(X_test, y_test))'
    if not run.document.mistake:
        yield 'hg.save(net, "playground.safetensors")'


def _literal(value: Any) -> str:
    """A setting as an argument: rules by their text, formulas by the texts of f and df."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    texts = written_texts(value)
    if texts is not None:
        return f"hg.activations.written{texts!r}"
    if isinstance(value, Optimizer):
        return f"hg.{value!r}"
    return repr(value) if value is None or isinstance(value, str | bool | int | float) else repr(str(value))
