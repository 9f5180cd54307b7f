"""Compiled code on disk: compiled once, found by other processes, and never in the way."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMPILING = "handgrad: compiling for"
ALWAYS = "cannot be written, so at each start"

TRAIN = """if True:
    import numpy as np, handgrad as hg
    X, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3
    net = hg.Network.mlp([4, 5, 3], seed=1)
    history = hg.train(net, X, y, epochs=3, batch_size=8, engine="compiled")
    print(net.params.tobytes().hex(), history.loss.tobytes().hex())
"""
PREDICT = """if True:
    import numpy as np, handgrad as hg
    X = np.random.default_rng(0).normal(size=(30, 4))
    print(hg.Network.mlp([4, 5, 3], seed=1).forward(X, engine="compiled").tobytes().hex())
"""
OWN_RULE = """if True:
    import numpy as np, handgrad as hg
    rule = hg.activations.Formula("own_rule", f=lambda z: FACTOR * z, df=lambda z, a: FACTOR * np.ones_like(z))
    net = hg.Network.mlp([2, 2, 2], activation=rule, seed=1)
    X = np.array([[1.0, 2.0]])
    np.testing.assert_allclose(net.forward(X, engine="compiled"), net.forward(X, engine="numpy"), rtol=1e-12)
    print(net.forward(X, engine="compiled").tobytes().hex())
"""


def started(program, folder):
    """A process with that cache folder; None: the usual one."""
    environment = {**os.environ, "HANDGRAD_NUM_THREADS": "1"}
    if folder is not None:
        environment["HANDGRAD_CACHE_DIR"] = str(folder)
    arguments = [sys.executable, "-W", "error", "-c", program]
    return subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def finished(process):
    """What it printed, and what it said on stderr; it went well."""
    printed, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return printed, said


def outcome(program, folder):
    return finished(started(program, folder))


@pytest.fixture(scope="module")
def cold(tmp_path_factory):
    """A cache folder that one process filled, what that printed, and what it said; one for all workers of pytest."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder, told = root / "cache", root / "cache.json"
    try:
        folder.mkdir()
    except FileExistsError:  # another worker is at it
        for _ in range(3000):
            if told.exists():
                break
            time.sleep(0.1)
    else:
        (root / "cache.new").write_text(json.dumps(outcome(TRAIN, folder)))
        os.replace(root / "cache.new", told)
    return folder, *json.loads(told.read_text())


@pytest.fixture
def copied(cold, tmp_path):
    """A copy of that folder, to be spoiled."""
    return Path(shutil.copytree(cold[0], tmp_path / "copy"))


def files_of(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_the_first_process_says_once_that_it_compiles(cold):
    assert cold[2].count("\n") == cold[2].count(COMPILING) == 1


def test_others_find_what_it_compiled(cold):
    folder, printed, _ = cold
    for _ in range(3):
        assert outcome(TRAIN, folder) == (printed, "")


def test_a_copied_cache_is_as_good(cold, copied):
    before = files_of(copied)
    assert outcome(TRAIN, copied) == (cold[1], "")
    assert files_of(copied) == before


def test_a_rule_with_another_text_is_compiled_anew(copied):
    results = [outcome(OWN_RULE.replace("FACTOR", factor), copied) for factor in ("2.0", "3.0", "2.0")]
    (two, said_two), (three, said_three), (again, said_again) = results
    assert two == again != three
    assert [said.count(COMPILING) for said in (said_two, said_three, said_again)] == [1, 1, 0]


def test_a_folder_that_cannot_be_written_is_done_without_and_said(cold, tmp_path):
    (tmp_path / "file").write_text("in the way")
    printed, said = outcome(TRAIN, tmp_path / "file" / "cache")
    assert printed == cold[1]
    assert said.count("\n") == said.count(ALWAYS) == 1
    assert (tmp_path / "file").read_text() == "in the way"


def test_two_processes_at_once_on_an_empty_cache(tmp_path):
    processes = [started(PREDICT, tmp_path / "cache") for _ in range(2)]
    (one, said), (other, said_too) = [finished(process) for process in processes]
    assert one == other
    assert max(said.count("\n"), said_too.count("\n")) <= 1
    assert outcome(PREDICT, tmp_path / "cache") == (one, "")


@pytest.mark.parametrize("content", [None, b"", b"garbage" * 10], ids=["lost", "empty", "garbage"])
def test_a_spoiled_file_is_compiled_again(cold, copied, content):
    path = max((each for each in copied.rglob("*") if each.is_file()), key=lambda each: each.stat().st_size)
    path.unlink() if content is None else path.write_bytes(content)
    assert outcome(TRAIN, copied)[0] == cold[1]


# --- a machine on which something is missing ------------------------------------------------------------------------

WITHOUT_NUMBA = """if True:
    import sys, warnings
    sys.modules["numba"] = None
    import numpy as np, handgrad as hg
    X, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3
    net = hg.Network.mlp([4, 5, 3], seed=1)
    plain = net.copy()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        hg.train(net, X, y, epochs=3)
        hg.train(net.copy(), X, y, epochs=1)
        net.predict(X)
    assert len(told) == 1, [str(each.message) for each in told]
    assert "runs on NumPy" in str(told[0].message) and "Numba cannot be imported" in str(told[0].message)
    hg.train(plain, X, y, epochs=3, engine="numpy")
    np.testing.assert_array_equal(net.params, plain.params)
    for call in (lambda: hg.train(net, X, y, engine="compiled"), lambda: net.predict(X, engine="compiled")):
        try:
            call()
        except ValueError as error:
            assert "engine is 'compiled', but Numba cannot be imported" in str(error), error
        else:
            raise AssertionError("it was not refused")
"""
WITHOUT_NUMPYS_BLAS = """if True:
    import numpy as np, handgrad as hg
    from handgrad.compiled import gemm
    assert callable(gemm._numpys)
    gemm._numpys = lambda dtype: None
    for dtype in ("float64", "float32"):
        net = hg.Network.mlp([40, 60, 3], seed=1, dtype=dtype)
        X, y = np.random.default_rng(0).normal(size=(100, 40)), np.arange(100) % 3
        results = []
        for rows in (100, 5, 1):
            for engine in ("numpy", "compiled"):
                results.append(net.forward(X[:rows], engine=engine))
            error = np.abs(results[-1] - results[-2]).max()
            assert error < {"float64": 1e-12, "float32": 1e-4}[dtype], error
    net = hg.Network.mlp([40, 60, 30, 3], activation="tanh", seed=1)
    plain = net.copy()
    hg.train(net, X, y, epochs=3, batch_size=32, engine="compiled")
    hg.train(plain, X, y, epochs=3, batch_size=32, engine="numpy")
    np.testing.assert_allclose(net.params, plain.params, rtol=1e-10, atol=1e-12)
"""


def test_without_numba_everything_runs_on_numpy_with_one_notice(tmp_path):
    outcome(WITHOUT_NUMBA, tmp_path)


def test_scipys_blas_where_numpys_cannot_be_found():
    outcome(WITHOUT_NUMPYS_BLAS, None)
