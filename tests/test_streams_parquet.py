"""Parquet files and folders of them as streams: the numbers that reading them whole gives, and errors with a place."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import handgrad as hg
from handgrad.datasets import from_parquet, stream
from handgrad.datasets.streams import parquet as reading
from handgrad.datasets.streams import survey as surveying

ROWS = 230
RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "height": RANDOM.normal(170, 10, ROWS),
        "colour": RANDOM.choice(["red", "green", "blue"], ROWS),
        "count": RANDOM.integers(0, 100, ROWS),
        "flag": RANDOM.random(ROWS) > 0.5,
        "kind": RANDOM.choice(["cat", "dog"], ROWS),
        "grade": RANDOM.integers(3, 7, ROWS),
        "price": RANDOM.normal(size=ROWS),
    }
)


@pytest.fixture(autouse=True)
def few_rows_at_once(monkeypatch):
    """So that a row group comes in several parts."""
    monkeypatch.setattr(reading, "AT_ONCE", 8 * 7 * 8)


@pytest.fixture
def folder(tmp_path):
    """The table in two files of row groups of 50 rows, with notes of another program beside them."""
    (tmp_path / "set").mkdir()
    TABLE[:130].to_parquet(tmp_path / "set" / "a.parquet", row_group_size=50)
    TABLE[130:].to_parquet(tmp_path / "set" / "b.parquet", row_group_size=50)  # with row labels of pandas
    (tmp_path / "set" / "_metadata.parquet").write_text("notes")
    return tmp_path / "set"


@pytest.fixture
def whole(tmp_path):
    TABLE.to_parquet(tmp_path / "whole.parquet")
    return tmp_path / "whole.parquet"


def everything(rows):
    parts = list(rows.parts())
    return np.concatenate([part.X for part in parts]), np.concatenate([part.y for part in parts])


@pytest.mark.parametrize("target", ["kind", "grade", "price", "flag", "height"])
def test_a_stream_has_the_numbers_of_the_table(folder, whole, target):
    rows, expected = stream(folder, target=target), from_parquet(whole, target)
    X, y = everything(rows)
    np.testing.assert_array_equal(X, expected.X)
    np.testing.assert_array_equal(y, expected.y)
    assert y.dtype == expected.y.dtype
    assert rows.class_names == expected.class_names
    assert rows.feature_names == expected.feature_names
    assert rows.rows == ROWS
    assert rows.preprocessing == expected.preprocessing


@pytest.mark.parametrize("task", ["classify", "regress"])
def test_a_task_decides_as_for_tables(folder, whole, task):
    rows, expected = stream(folder, target="count", task=task), from_parquet(whole, "count", task)
    np.testing.assert_array_equal(everything(rows)[1], expected.y)
    assert rows.class_names == expected.class_names


def test_means_and_scales_are_those_of_the_table(folder, whole):
    rows = stream(folder, target="price", standardise=True)
    expected = from_parquet(whole, "price").preprocessing.refit(TABLE)
    for found, column in zip(rows.preprocessing.columns, expected.columns, strict=True):
        assert found.to_dict().keys() == column.to_dict().keys()
        for name, value in column.to_dict().items():
            assert found.to_dict()[name] == (pytest.approx(value, rel=1e-12) if name in ("mean", "scale") else value)
    np.testing.assert_array_equal(everything(rows)[0], rows.preprocessing.transform(TABLE))


def test_a_split_standardises_by_the_training_rows(folder):
    train, test = stream(folder, target="kind").split(test=0.3)
    X, y = everything(train)
    np.testing.assert_allclose(X[:, 0].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(X[:, 0].std(), 1)
    assert len(X) + len(everything(test)[0]) == ROWS
    assert train.source.survey.counts.tolist() == np.bincount(y).tolist()
    assert train.preprocessing == test.preprocessing


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_training_on_a_folder_and_what_travels_with_the_network(folder, engine, tmp_path):
    train, test = stream(folder, target="kind", buffer=3000).split()
    net = hg.Network.mlp([len(train.feature_names), 8, 2], loss="softmax_cross_entropy")
    history = hg.train(net, train, epochs=3, batch_size=8, engine=engine, validation=test, metrics=("accuracy",))
    X, y = everything(test)
    np.testing.assert_allclose(history.validation_loss[-1], net.loss(X, y))
    net.preprocessing = train.preprocessing
    hg.save(net, tmp_path / "net.safetensors")
    again = hg.load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(again.preprocessing.transform(TABLE), train.preprocessing.transform(TABLE))


def test_a_column_of_weights(folder, whole):
    rows = stream(folder, target="kind", sample_weight="count")
    assert "count" not in rows.feature_names
    np.testing.assert_array_equal(np.concatenate([part.weight for part in rows.parts()]), TABLE["count"])
    nets = [hg.Network.mlp([len(rows.feature_names), 4, 2]) for _ in range(2)]
    hg.train(nets[0], rows, epochs=2, batch_size=ROWS)
    X, y = from_parquet(whole, "kind")
    X = np.delete(X, [*from_parquet(whole, "kind").feature_names].index("count"), axis=1)
    hg.train(nets[1], X, y, sample_weight=TABLE["count"], epochs=2, batch_size=None)
    np.testing.assert_allclose(nets[0].params, nets[1].params, rtol=1e-8)


def test_dictionaries_decimals_and_small_types(tmp_path):
    table = pa.table(
        {
            "colour": pa.array(["red", "blue", "red"]).dictionary_encode(),
            "size": pa.array([3, 5, 3], pa.int8()).dictionary_encode(),
            "paid": pa.array([Decimal("1.50"), Decimal("2.25"), Decimal("0.75")]),
            "half": pa.array(np.array([0.5, 1.5, 2.5], np.float16)),
            "y": pa.array([0.0, 1.0, 2.0], pa.float32()),
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    X, y = everything(stream(tmp_path / "t.parquet", target="y"))
    expected = [[0, 1, 3, 1.5, 0.5], [1, 0, 5, 2.25, 1.5], [0, 1, 3, 0.75, 2.5]]
    np.testing.assert_array_equal(X, expected)
    np.testing.assert_array_equal(y, [0, 1, 2])


# --- what is refused ------------------------------------------------------------------------------------------------


def rewritten(folder, **columns):
    """The second file with other values in some columns."""
    TABLE[130:].reset_index(drop=True).assign(**columns).to_parquet(folder / "b.parquet", row_group_size=50)


def with_value(name, value):
    values = TABLE[name][130:].astype(object if value is None else type(value)).to_numpy(copy=True)
    values[77] = value
    return values


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("height", np.nan, r"b\.parquet, row group 1, row 27: column 'height' has no value"),
        ("height", np.inf, r"b\.parquet, row group 1, row 27: column 'height' has inf"),
        ("colour", None, r"b\.parquet, row group 1, row 27: column 'colour' has no value"),
        ("kind", None, r"b\.parquet, row group 1, row 27: column 'kind' has no value"),
    ],
)
def test_a_bad_value_is_told_with_its_file_row_group_row_and_column(folder, name, value, words, standardise):
    rewritten(folder, **{name: with_value(name, value)})
    with pytest.raises(ValueError, match=words):
        hg.train(hg.Network.mlp([8, 4, 2]), stream(folder, target="kind", standardise=standardise), epochs=1)


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        (lambda folder: rewritten(folder, more=1), {}, r"b\.parquet has the columns .*more.* all files"),
        (lambda folder: rewritten(folder, height="tall"), {}, r"'height' holds .*string.*a\.parquet double"),
        (lambda folder: (folder / "b.parquet").write_text("no"), {}, r"b\.parquet is not a readable Parquet file"),
        (lambda folder: (folder / "day=1").mkdir() or (folder / "b.parquet").rename(folder / "day=1" / "b.parquet"), {},
         "in the name of its folder"),
        (lambda folder: None, {"target": "prize"}, "target column 'prize'; did you mean 'price'"),
        (lambda folder: None, {"target": None}, "name the column"),
        (lambda folder: None, {"task": "cluster"}, "task"),
        (lambda folder: None, {"sample_weight": "wait"}, "weight column 'wait'"),
        (lambda folder: None, {"y": [1.0]}, "y does not go with this source"),
        (lambda folder: [file.unlink() for file in folder.iterdir()], {}, r"a folder without \.parquet files"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_refused_at_the_door(folder, change, arguments, words):
    change(folder)
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=words):
        stream(folder, **({"target": "price"} | arguments))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"when": pd.to_datetime(["2020-01-01", "2020-01-02"]), "y": [0, 1]}, "column 'when' .* holds timestamp"),
        ({"y": [0.0, 1.0]}, "no columns besides the target"),
        ({"x": [1.0, 2.0], "y": ["a", "a"]}, "has one class, 'a'"),
        ({"x": [1e308, -1e308], "y": [0, 1]}, "too large to standardise"),
    ],
)
def test_tables_that_cannot_be_learned_are_refused(tmp_path, columns, words):
    pd.DataFrame(columns).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=words):
        print(stream(tmp_path / "t.parquet", target="y", standardise=True).class_names)


def test_text_with_too_many_values_is_refused_before_it_fills_memory(tmp_path, monkeypatch):
    pd.DataFrame({"name": [f"n{i}" for i in range(60)], "y": np.arange(60) % 2}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="60 different texts in 60 rows"):
        print(stream(tmp_path / "t.parquet", target="y").class_names)
    monkeypatch.setattr(surveying, "MOST_TEXTS", 25)
    with pytest.raises(ValueError, match="more than 25 different texts"):
        print(stream(tmp_path / "t.parquet", target="y").class_names)


def test_a_file_that_shrank_meanwhile_is_noticed(folder):
    rows = stream(folder, target="kind")
    training = hg.Training(hg.Network.mlp([8, 4, 2]), rows, epochs=1)
    TABLE[130:180].to_parquet(folder / "b.parquet", row_group_size=50)
    with pytest.raises(ValueError, match=r"b\.parquet, row group 1 cannot be read|ended after"):
        training.run()


def test_fingerprints_of_files(folder):
    prints = [stream(folder, target="kind").fingerprint(), stream(folder, target="price").fingerprint()]
    again = stream(folder, target="kind").fingerprint()
    rewritten(folder, height=0.0)
    prints.append(stream(folder, target="kind").fingerprint())
    assert len(set(prints)) == 3
    assert again == prints[0]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_few_fractions_are_no_classes(tmp_path, dtype):
    stars = np.tile([1.0, 1.5, 2.0, 2.5], 20).astype(dtype)
    frame = pd.DataFrame({"x": np.arange(80.0), "stars": stars})
    (tmp_path / "some").mkdir()
    frame.astype({"stars": "int64"}).to_parquet(tmp_path / "some" / "0.parquet")
    frame.to_parquet(tmp_path / "some" / "1.parquet")
    assert hg.datasets.stream(tmp_path / "some", target="stars").class_names is None
    assert hg.datasets.stream(tmp_path / "some" / "1.parquet", target="stars").class_names is None
    assert hg.datasets.from_parquet(tmp_path / "some" / "1.parquet", target="stars").class_names is None
