"""Datasets: drawn as promised, read exactly from files, split fairly, and refused with words that help."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from handgrad import datasets
from handgrad.datasets import Dataset, from_csv, from_idx, from_npz, from_pandas, from_parquet, load, mnist

SYNTHETIC = [
    datasets.moons,
    datasets.circles,
    datasets.spirals,
    datasets.xor,
    datasets.gaussians,
    datasets.regression_plane,
    datasets.regression_curve,
]


def refused(words, function, *arguments, error=ValueError, **named):
    with pytest.raises(error) as caught:
        function(*arguments, **named)
    assert [word for word in words if word not in str(caught.value)] == []


# Datasets in general


def test_a_dataset_unpacks_and_says_what_it_is():
    dataset = Dataset(
        np.ones((3, 2), dtype=np.float32), np.array([0, 1, 2], dtype=np.uint8), ("a", "b"), "y", ("p", "q", "r")
    )
    X, y = dataset
    assert X.dtype == np.float64
    assert y.dtype == np.int64
    assert dataset.n_classes == 3
    assert Dataset(X, y, ("a", "b")).n_classes == 0
    assert Dataset(X, y, ("a", "b")).y.dtype == np.float64
    assert repr(dataset) == "Dataset(3 rows, 2 features, y: 3 classes)"


@pytest.mark.parametrize(
    ("X", "y", "classes", "words"),
    [
        (np.ones(3), np.zeros(3), None, ["X has shape (3,)", "(B, D)"]),
        (np.ones((0, 1)), np.zeros(0), None, ["(0, 1)", "at least one row"]),
        (np.ones((3, 2)), np.zeros(3), None, ["1 names", "2 columns"]),
        (np.array([[1.0], [np.nan]]), np.zeros(2), None, ["X has nan at row 1", "'x'"]),
        (np.ones((3, 1)), np.zeros(2), None, ["y has 2 rows", "X has 3"]),
        (np.ones((3, 1)), np.zeros((3, 2)), None, ["y has shape (3, 2)", "(3,)"]),
        (np.ones((2, 1)), np.array([0, np.inf]), None, ["y has inf at row 1"]),
        (np.ones((2, 1)), np.array([0, 2]), ("a", "b"), ["y has 2 at row 1", "from 0 to 1"]),
        (np.ones((2, 1)), np.array([0, 0.5]), ("a", "b"), ["y has 0.5 at row 1", "from 0 to 1"]),
    ],
)
def test_what_is_no_dataset_is_refused(X, y, classes, words):
    refused(words, Dataset, X, y, ("x",), "y", classes)


# Splits


@pytest.mark.parametrize("standardise", [True, False])
def test_a_split_is_scikit_learns_stratified_split(standardise):
    X, y = datasets.iris()
    train, test = datasets.iris().split(test=0.3, seed=5, standardise=standardise)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=5, stratify=y)
    mean, scale = (X_train.mean(axis=0), X_train.std(axis=0)) if standardise else (0, 1)
    np.testing.assert_allclose(train.X, (X_train - mean) / scale, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(test.X, (X_test - mean) / scale, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(train.y, y_train)
    np.testing.assert_array_equal(test.y, y_test)
    np.testing.assert_array_equal(np.bincount(test.y), [15, 15, 15])


def test_a_regression_is_split_too():
    train, test = datasets.regression_plane(n=101).split()
    assert (len(train.y), len(test.y)) == (75, 26)
    assert train.preprocessing.class_names is None


def test_statistics_come_from_the_training_rows_and_categories_from_all():
    frame = pd.DataFrame({"v": np.arange(40.0) ** 3, "c": ["rare", *["a", "b", "a"] * 13], "y": [0, 1] * 20})
    dataset = from_pandas(frame, target="y")
    for seed in range(8):  # in some of which "rare" is held out
        train, test = dataset.split(seed=seed)
        np.testing.assert_allclose(train.X[:, 0].mean(), 0, atol=1e-12)
        np.testing.assert_allclose(train.X[:, 0].std(), 1)
        assert abs(test.X[:, 0].mean()) > 1e-6
        assert train.feature_names == test.feature_names == ("v", "c=a", "c=b", "c=rare")
        np.testing.assert_array_equal(np.concatenate([train.X, test.X])[:, 1:].sum(axis=1), 1)


@pytest.mark.parametrize(
    "dataset", [datasets.moons(), from_pandas(pd.DataFrame({"a": range(9), "y": range(9)}), "y", "regress")]
)
def test_preprocessing_makes_x_of_the_raw_rows_even_when_split_twice(dataset):
    for part in dataset.split()[0].split(seed=1):
        np.testing.assert_array_equal(part.preprocessing.transform(part.rows), part.X)
        assert list(getattr(part.rows, "index", range(len(part.y)))) == list(range(len(part.y)))
    inner, _ = dataset.split(standardise=False)[0].split(standardise=False)
    assert np.isin(inner.X, dataset.X).all()


def test_the_seed_decides_the_split():
    first, again, other = (datasets.moons().split(seed=seed)[1].y for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("dataset", "settings", "words"),
    [
        (datasets.moons(), {"test": 0}, ["test is 0", "above 0"]),
        (datasets.moons(), {"test": 1.0}, ["test is 1.0", "below 1"]),
        (datasets.moons(), {"seed": 2**32}, ["seed is 4294967296", "2**32"]),
        (datasets.moons(), {"seed": -1}, ["seed is -1"]),
        (datasets.gaussians(n=30), {"test": 0.05}, ["test=0.05", "28 and 2", "at least 3"]),
        (datasets.gaussians(n=30), {"test": 0.95}, ["test=0.95", "1 and 29", "at least 3"]),
        (datasets.gaussians(n=4), {}, ["class '1'", "1 row", "at least 2", "merge"]),
        (datasets.regression_plane(n=1), {}, ["0 and 1", "at least 1"]),
    ],
)
def test_impossible_splits_are_refused(dataset, settings, words):
    refused(words, dataset.split, **settings)


# Synthetic


@pytest.mark.parametrize(("n", "noise", "seed"), [(300, 0.2, 0), (7, 0.0, 3), (2, 1.5, 2**32 - 1)])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(datasets.moons, sklearn.datasets.make_moons), (datasets.circles, sklearn.datasets.make_circles)],
)
def test_moons_and_circles_are_scikit_learns(ours, theirs, n, noise, seed):
    X, y = ours(n=n, noise=noise, seed=seed)
    expected_X, expected_y = theirs(n_samples=n, noise=noise, random_state=seed)
    np.testing.assert_array_equal(X, expected_X)
    np.testing.assert_array_equal(y, expected_y)


@pytest.mark.parametrize("maker", SYNTHETIC)
def test_synthetic_data_is_decided_by_its_seed(maker):
    assert maker().X.shape == (300, 1 if maker is datasets.regression_curve else 2)
    np.testing.assert_array_equal(maker(n=50, seed=1).X, maker(n=50, seed=1).X)
    assert not np.array_equal(maker(n=50, seed=1).X, maker(n=50, seed=2).X)
    assert not np.array_equal(maker(n=50, noise=0.5).y, maker(n=50, noise=0.5).X[:, 0])


@pytest.mark.parametrize(
    "maker", [*SYNTHETIC[:5], lambda n: datasets.spirals(n, arms=4), lambda n: datasets.gaussians(n, 5)]
)
@settings(deadline=None)
@given(n=st.integers(5, 60))
def test_classes_are_balanced(maker, n):
    dataset = maker(n)
    counts = np.bincount(dataset.y, minlength=dataset.n_classes)
    assert counts.min() > 0
    assert counts.max() - counts.min() <= 1


def test_spirals_follow_their_equation():
    X, y = datasets.spirals(n=200, arms=3, noise=0)
    radius, angle = np.hypot(*X.T), np.arctan2(X[:, 1], X[:, 0])
    turns = (angle - 3 * np.pi * radius - 2 * np.pi * y / 3) / (2 * np.pi)
    np.testing.assert_allclose(turns, turns.round(), atol=1e-9)
    assert 0.8 < radius.max() <= 1


@pytest.mark.parametrize("maker", SYNTHETIC[2:5])
def test_noise_is_a_standard_deviation(maker):
    moved = maker(n=2000, noise=0.3).X - maker(n=2000, noise=0).X
    assert 0.28 < moved.std() < 0.32


def test_gaussians_lie_round_the_unit_circle():
    X, y = datasets.gaussians(n=4, classes=4, noise=0)
    np.testing.assert_allclose(X[np.argsort(y)], [[1, 0], [0, 1], [-1, 0], [0, -1]], atol=1e-12)


@pytest.mark.parametrize(
    ("maker", "settings", "words", "error"),
    [
        *[(maker, {"n": 0}, ["n is 0", "at least"], ValueError) for maker in SYNTHETIC],
        *[(maker, {"n": 2.5}, ["n is 2.5", "whole number"], TypeError) for maker in SYNTHETIC],
        *[(maker, {"noise": -1}, ["noise is -1", "at least 0"], ValueError) for maker in SYNTHETIC],
        *[(maker, {"noise": np.nan}, ["noise is nan"], ValueError) for maker in SYNTHETIC],
        *[(maker, {"seed": -1}, ["seed is -1"], ValueError) for maker in SYNTHETIC],
        (datasets.moons, {"n": 1}, ["n is 1", "at least 2"], ValueError),
        (datasets.moons, {"seed": 2**32}, ["seed is 4294967296", "2**32"], ValueError),
        (datasets.spirals, {"arms": 0}, ["arms is 0"], ValueError),
        (datasets.gaussians, {"classes": 1}, ["classes is 1", "at least 2"], ValueError),
    ],
)
def test_unsuitable_settings_are_refused(maker, settings, words, error):
    refused(words, maker, error=error, **settings)


# Bundled


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_bundled_data_is_scikit_learns(name):
    bunch = getattr(sklearn.datasets, f"load_{name}")()
    dataset = load(name)
    np.testing.assert_array_equal(dataset.X, bunch.data / (16 if name == "digits" else 1))
    np.testing.assert_array_equal(dataset.y, bunch.target)
    assert dataset.feature_names == (tuple(bunch.feature_names) if name != "digits" else dataset.feature_names)
    assert dataset.class_names == (None if name == "diabetes" else tuple(str(each) for each in bunch.target_names))
    assert all(type(each) is str for each in (*dataset.feature_names, *(dataset.class_names or ())))


def test_digits_are_pixels_from_zero_to_one():
    X, _ = datasets.digits()
    assert (X.min(), X.max()) == (0.0, 1.0)
    assert datasets.digits().feature_names[9] == "pixel_1_1"


# IDX files


def idx_bytes(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx(folder, images, labels, prefix="train", mark="-", ending=""):
    folder.mkdir(exist_ok=True)
    pack = gzip.compress if ending else bytes
    (folder / f"{prefix}-images{mark}idx3-ubyte{ending}").write_bytes(pack(idx_bytes(images)))
    (folder / f"{prefix}-labels{mark}idx1-ubyte{ending}").write_bytes(pack(idx_bytes(labels)))
    return folder


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.sampled_from("-."), st.sampled_from(["", ".gz"]))
def test_idx_files_are_read_exactly(tmp_path_factory, rows, height, width, mark, ending):
    random = np.random.default_rng(rows)
    images, labels = random.integers(0, 256, (rows, height, width)), random.integers(0, 10, rows)
    folder = write_idx(tmp_path_factory.mktemp("idx"), images, labels, mark=mark, ending=ending)
    dataset = from_idx(folder)
    np.testing.assert_array_equal(dataset.X, images.reshape(rows, -1) / 255)
    np.testing.assert_array_equal(dataset.y, labels)
    assert dataset.class_names == tuple("0123456789")


def test_more_labels_than_ten_make_more_classes(tmp_path):
    assert from_idx(write_idx(tmp_path, np.zeros((1, 1, 1)), np.array([25]))).n_classes == 26


def test_mnist_looks_in_the_path_then_in_the_environment(tmp_path, monkeypatch):
    given_folder = write_idx(tmp_path / "given", np.zeros((1, 2, 2)), np.array([3]))
    data = tmp_path / "data"
    data.mkdir()
    write_idx(data / "mnist", np.zeros((1, 2, 2)), np.array([4]), prefix="t10k")
    monkeypatch.setenv("HANDGRAD_DATA", str(data))
    assert mnist(given_folder).y == [3]
    assert mnist(part="test").y == [4]
    monkeypatch.setenv("HANDGRAD_DATA", str(data / "mnist"))
    assert mnist(part="test").y == [4]
    monkeypatch.delenv("HANDGRAD_DATA")
    refused(["pass path=", "HANDGRAD_DATA"], mnist, error=FileNotFoundError)
    monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path / "no"))
    refused(["HANDGRAD_DATA is", "not a folder"], mnist, error=FileNotFoundError)


IMAGES = idx_bytes(np.zeros((2, 3, 3)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["begins with", "(none)"]),
        (b"\x00\x00\x0d" + IMAGES[3:], ["00 00 0d 03", "expected 00 00 08 03"]),
        (idx_bytes(np.zeros(2)), ["00 00 08 01", "expected 00 00 08 03", "3 axes"]),
        (IMAGES[:9], ["9 bytes", "truncated"]),
        (IMAGES[:-1], ["33 bytes", "34", "(2, 3, 3)", "truncated"]),
        (IMAGES + b"\x00", ["35 bytes", "34"]),
        (idx_bytes(np.zeros((0, 3, 3))), ["(0, 3, 3)", "empty"]),
        (idx_bytes(np.zeros((1, 3, 3))), ["1 images", "2 labels"]),
        (gzip.compress(IMAGES, mtime=0)[:-9], ["truncated gzip"]),
        (gzip.compress(IMAGES, mtime=0)[:-8] + bytes(8), ["corrupt or truncated gzip"]),
        (b"\x1f\x8bnonsense", ["corrupt or truncated gzip"]),
        (b"PK\x03\x04 a zip", ["50 4b 03 04"]),
    ],
)
def test_bad_idx_files_are_refused(tmp_path, content, words):
    write_idx(tmp_path, np.zeros((2, 3, 3)), np.array([0, 1]))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    refused([*words, "train-images-idx3-ubyte"], from_idx, tmp_path)


def test_missing_idx_files_and_parts_are_refused(tmp_path):
    refused(["no train-images-idx3-ubyte", ".gz"], from_idx, tmp_path, error=FileNotFoundError)
    refused(["unknown part 'tset'", "did you mean 'test'"], from_idx, tmp_path, "tset")


def test_the_real_mnist():
    folder = os.environ.get("HANDGRAD_DATA") or Path(__file__).parents[2] / "shared" / "data" / "mnist"
    if not any(Path(folder).glob("**/t10k-images*")):
        pytest.skip("MNIST's files are not here: set HANDGRAD_DATA to the folder that holds them")
    X, y = dataset = mnist(folder, part="test")
    assert X.shape == (10_000, 784)
    assert dataset.class_names == tuple("0123456789")
    assert (X.min(), X.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(np.bincount(y), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    assert mnist(folder).X.shape == (60_000, 784)


# Tables


def write_table(path, frame):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        np.savez(path, **{name: np.array(frame[name].tolist()) for name in frame})
    return path


READERS = {".csv": from_csv, ".parquet": from_parquet, ".npz": from_npz}
columns = st.fixed_dictionaries(
    {
        "v": st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4),
        "k": st.lists(st.integers(-(2**53), 2**53), min_size=4, max_size=4),
        "flag": st.lists(st.booleans(), min_size=4, max_size=4),
        "colour": st.lists(st.sampled_from(["red", "dark blue", "blå", 'a "b", c']), min_size=4, max_size=4),
    }
)


@pytest.mark.parametrize("suffix", READERS)
@given(columns)
@settings(deadline=None, max_examples=30)
def test_a_file_gives_the_same_dataset_as_its_table(suffix, tmp_path_factory, columns):
    frame = pd.DataFrame(columns | {"kind": ["b", "a", "a", "b"]})
    expected = from_pandas(frame, target="kind")
    path = write_table(tmp_path_factory.mktemp("table") / f"data{suffix}", frame)
    rtol = 1e-14 if suffix == ".csv" else 0  # older pandas read decimals to the last ulp only
    for dataset in (READERS[suffix](path, target="kind"), load(path, target="kind")):
        np.testing.assert_allclose(dataset.X, expected.X, rtol=rtol)
        np.testing.assert_array_equal(dataset.y, [1, 0, 0, 1])
        assert dataset.class_names == ("a", "b")
        assert dataset.feature_names == expected.feature_names
        assert (dataset.target_name, list(dataset.rows)) == ("kind", list(columns))


@pytest.mark.parametrize(
    ("target", "task", "class_names"),
    [
        (["no", "yes", "no"], None, ("no", "yes")),
        ([True, False, True], None, ("False", "True")),
        ([7, -1, 7], None, ("-1", "7")),
        ([10, 9, 10], None, ("9", "10")),
        (pd.Series([7, -1, 7], dtype="Int64"), None, ("-1", "7")),
        (pd.Series([7, -1, 7], dtype=object), None, ("-1", "7")),
        (pd.Series([7, -1, 7], dtype="category"), None, ("-1", "7")),
        ([1.0, 2.0, 1.0], None, None),
        ([1.5, 2.0, 1.5], "classify", ("1.5", "2.0")),
        ([7, -1, 7], "regress", None),
        ([True, False, True], "regress", None),
        (range(20), None, tuple(str(i) for i in range(20))),
        (range(21), None, None),
        (range(21), "classify", tuple(str(i) for i in range(21))),
    ],
)
def test_the_target_decides_the_task(target, task, class_names):
    frame = pd.DataFrame({"a": np.arange(len(target)), "y": target})
    dataset = from_pandas(frame, "y", task)
    assert dataset.class_names == class_names
    assert dataset.y.dtype == (np.float64 if class_names is None else np.int64)
    decoded = dataset.y if class_names is None else [class_names[i] for i in dataset.y]
    assert list(decoded) == [float(v) if class_names is None else str(v) for v in target]


def test_the_datasets_y_is_its_own():
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": [3.0, 4.0]})
    dataset = from_pandas(frame, "y")
    dataset.y[0] = 99.0
    dataset.X[0] = 99.0
    assert frame.to_numpy().tolist() == [[1.0, 3.0], [2.0, 4.0]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["empty"]),
        ("a,y\n", ["no rows"]),
        ("a,yy\n1,2\n3,4\n", ["target column 'y'", "did you mean 'yy'"]),
        ("a;y\n1;2\n3;4\n", ["';'", "commas"]),
        ("a,a,y\n1,2,3\n", ["2 columns named 'a'"]),
        (",a,y\n0,1,2\n", ["column 0 has no name", "index=False"]),
        ("a,y\n1,2\n,3\n", ["'a'", "row 1", "no value"]),
        ("a,y\n1,2\n3,NA\n", ["'y'", "row 1", "no value"]),
        ("a,y\n1,2\ninf,3\n", ["'a'", "row 1", "inf"]),
        ("a,y\n1,2\n3,4,5\n", ["not a comma-separated table", "line 3"]),
        ("a,y\n1,2,3\n4,5,6\n", ["not a comma-separated table", "loss of data"]),
        ("a,y\n1,2\n3\n", ["'y'", "row 1", "no value"]),
        ("a,y\n1,p\n3,p\n", ["'y'", "one class", "'p'"]),
        ("a,y\n1,4\n3,4\n", ["'y'", "one class", "'4'"]),
        ("y\n1\n2\n", ["no columns besides the target 'y'"]),
        ("a,y\n1,caf\xe9\n".encode("latin-1"), ["not UTF-8", "save it as UTF-8"]),
    ],
)
def test_bad_csv_files_are_refused(tmp_path, content, words):
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(words, from_csv, path, target="y")


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("y,a\n0,1\n1,2\n", encoding="utf-8-sig")
    assert from_csv(path, target="y").feature_names == ("a",)


def test_row_labels_of_a_parquet_table_are_no_feature(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": [0, 1]}, index=[7, 3])
    frame.to_parquet(tmp_path / "data.parquet")
    assert from_parquet(tmp_path / "data.parquet", target="y").feature_names == ("a",)


@pytest.mark.parametrize("reader", READERS.values())
def test_missing_files_and_folders_are_refused(tmp_path, reader):
    refused(["nowhere", "no such file"], reader, tmp_path / "nowhere", target="y", error=FileNotFoundError)
    refused(["a folder", "expected a file"], reader, tmp_path, target="y", error=IsADirectoryError)


@pytest.mark.parametrize("reader", [from_parquet, from_npz])
@pytest.mark.parametrize("content", [b"", b"no such format", b"PK\x03\x04", b"PAR1PAR1"])
def test_files_of_another_format_are_refused(tmp_path, reader, content):
    path = tmp_path / "data"
    path.write_bytes(content)
    refused([str(path), "not a readable"], reader, path, target="y")


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_damaged_files_are_refused(tmp_path, suffix):
    path = write_table(tmp_path / f"data{suffix}", pd.DataFrame({"a": [1.5] * 99, "y": [2.5] * 99}))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(["not a readable"], READERS[suffix], path, target="y")


def test_bad_parquet_tables_are_refused(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "data.parquet"
    parquet.write_table(pa.table([[1], [2], [3]], names=["a", "a", "y"]), path)
    refused(["2 columns named 'a'"], from_parquet, path, target="y")
    parquet.write_table(pa.table({"a": [[1, 2]], "y": [3.0]}), path)
    refused(["'a'", "row 0", "expected a number"], from_parquet, path, target="y")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"X": np.ones((3, 2)), "y": np.ones(2)}, ["different lengths", "'X': 3", "'y': 2"]),
        ({"X": np.ones((2, 2, 2)), "y": np.ones(2)}, ["X has shape (2, 2, 2)", "reshape"]),
        ({"X": np.ones((2, 2)), "z": np.ones(2)}, ["target column 'y'", "X1, X2, z"]),
        ({"X": np.array([1, None]), "y": np.ones(2)}, ["not a readable", "Object arrays"]),
        ({"X": np.ones((2, 1)), "X1": np.ones(2), "y": np.ones(2)}, ["2 columns named 'X1'"]),
        ({}, ["no rows"]),
    ],
)
def test_bad_npz_files_are_refused(tmp_path, arrays, words):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    refused(words, from_npz, path, target="y")


def test_an_npy_file_is_refused(tmp_path):
    np.save(tmp_path / "data.npy", np.ones(3))
    refused(["without a name", "savez"], from_npz, tmp_path / "data.npy", target="y")


@pytest.mark.parametrize(
    ("frame", "task", "words"),
    [
        (pd.DataFrame({"a": [1, 2], "y": [0, 1]}), "clasify", ["unknown task 'clasify'", "'classify'"]),
        (pd.DataFrame({"a": [1, 2], "y": ["p", "q"]}), "regress", ["'y'", "'p'", "row 0", "expected a number"]),
        (pd.DataFrame({"a": [1, 2], "y": ["p", 3]}), None, ["'y'", "row 1", "text in every row"]),
        (pd.DataFrame({"a": [1, 2], "y": [0.5, np.inf]}), "classify", ["'y'", "row 1", "inf"]),
        (pd.DataFrame({"a": [], "y": []}), None, ["no rows"]),
        (pd.DataFrame([[1, 2, 3]], columns=["y", "a", "y"]), None, ["2 columns named 'y'"]),
    ],
)
def test_bad_targets_are_refused(frame, task, words):
    refused(words, from_pandas, frame, "y", task)


# By name


def test_every_name_loads():
    for name in set(datasets.NAMES) - {"mnist"}:
        assert len(load(name).y) == len(getattr(datasets, name)().y)
    assert len(datasets.NAMES) == 13


def test_the_seed_draws_synthetic_data():
    np.testing.assert_array_equal(load("xor", seed=4).X, datasets.xor(seed=4).X)


def test_a_folder_of_idx_files_loads(tmp_path, monkeypatch):
    write_idx(tmp_path / "mnist", np.zeros((1, 2, 2)), np.array([3]))
    monkeypatch.setenv("HANDGRAD_DATA", str(tmp_path))
    assert load("mnist").y == load(tmp_path / "mnist").y == [3]


def test_names_and_files_that_do_not_load_are_refused(tmp_path):
    refused(["unknown dataset 'mons'", "did you mean 'moons'", ".csv", "folder"], load, "mons")
    refused(["target is 'y'", "moons", "leave target out"], load, "moons", target="y")
    refused(["no such file"], load, tmp_path / "data.csv", target="y", error=FileNotFoundError)
    refused(["no train-images-idx3-ubyte"], load, tmp_path, error=FileNotFoundError)
    (tmp_path / "data.csv").write_text("a,y\n1,2\n3,4\n")
    refused(["target is None", "a, y"], load, tmp_path / "data.csv")
    refused(["data.tsv", ".csv, .parquet, .npz"], datasets.read_rows, "data.tsv")


# --- choosing features ------------------------------------------------------------------------------------------------


def test_selected_features_are_the_raw_ones():
    wine = datasets.wine()
    chosen = wine.select("hue", "alcohol")
    np.testing.assert_array_equal(chosen.X, wine.X[:, [10, 0]])
    assert chosen.feature_names == ("hue", "alcohol")
    assert chosen.class_names == wine.class_names
    refused(["unknown feature 'hew'", "'hue'"], wine.select, "hew")
    refused(["made of raw rows"], wine.split()[0].select, "hue")


def test_inputs_of_the_plane():
    X = np.array([[0.5, -2.0], [1.0, 3.0]])
    made = datasets.plane_inputs(X, list(datasets.INPUTS))
    expected = [
        [0.5, -2, 0.25, 4, -1, np.sin(np.pi / 2), np.sin(-2 * np.pi), np.sqrt(4.25)],
        [1, 3, 1, 9, 3, np.sin(np.pi), np.sin(3 * np.pi), np.sqrt(10)],
    ]
    np.testing.assert_allclose(made, expected, atol=1e-12)
    refused(["shape (2, 3)", "(B, 2)"], datasets.plane_inputs, np.ones((2, 3)), ["x1"])
    refused(["unknown input 'x3'"], datasets.plane_inputs, X, ["x3"])
    refused(["each once"], datasets.plane_inputs, X, ["x1", "x1"])
    refused(["each once"], datasets.plane_inputs, X, [])


def test_the_curve_is_a_sine():
    X, y = datasets.regression_curve(n=1000, noise=0.3, seed=1)
    assert X.shape == (1000, 1)
    assert 0.27 < (y - np.sin(2 * np.pi * X[:, 0])).std() < 0.33
