"""Where `handgrad check` finds triples (function, gradient, x): in modules and in files of Python."""

import importlib
import importlib.util
import inspect
import sys
from contextlib import AbstractContextManager, redirect_stdout
from pathlib import Path
from typing import Any

from handgrad.cli.errors import WRONG_CALL, fail


def prints_aside() -> AbstractContextManager[Any]:
    """A context in which what somebody's code prints goes to standard error: standard output is the report's."""
    return redirect_stdout(sys.stderr)


def is_code(what: str) -> bool:
    """Whether that names a Python file or could name a module; a saved network's name does not."""
    parts = what.split(".")
    return what.endswith(".py") or (parts[-1] != "safetensors" and all(part.isidentifier() for part in parts))


def find(name: str) -> Any:
    """What stands under module:name or file.py:name."""
    place, _, attribute = name.rpartition(":")
    module = _import(place)
    if not hasattr(module, attribute):
        from handgrad.rules import unknown

        raise unknown(f"name in {place}", attribute, [each for each in vars(module) if not each.startswith("_")])
    return getattr(module, attribute)


def find_all(place: str) -> dict[str, Any]:
    """The triples of a module or file, and its own functions check_... that need no arguments, by name."""
    module = _import(place)
    named = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    found = {name: value for name, value in named.items() if _is_triple(value) or _makes_one(name, value, module)}
    if not found:
        raise ValueError(
            f"{place} holds nothing to check; expected a name that is a triple (function, gradient, x), "
            "or a function called check_... that returns one and takes no arguments"
        )
    return found


def _is_triple(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and callable(value[0]) and not callable(value[2])


def _makes_one(name: str, value: Any, module: Any) -> bool:
    """Its own, so that `from pytest_check import check_all` is not called."""
    if not (name.startswith("check_") and inspect.isfunction(value) and value.__module__ == module.__name__):
        return False
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(value).parameters.values()
    return all(each.default is not each.empty or each.kind in optional for each in parameters)


def _import(place: str) -> Any:
    """The module of that name or file; modules are also looked for in the working folder."""
    path = Path(place)
    if path.suffix == ".py" and not path.is_file():
        raise FileNotFoundError(f"WHAT names the file {place!r}, which does not exist (working folder: {Path.cwd()})")
    sys.path.insert(0, str(path.resolve().parent if path.suffix == ".py" else Path.cwd()))
    try:
        with prints_aside():
            return _run_file(path) if path.suffix == ".py" else importlib.import_module(place)
    except ModuleNotFoundError as missing:
        raise ValueError(
            f"WHAT names {place!r}: {missing}; expected a module, a file ending in .py, "
            "or a saved network followed by DATA"
        ) from missing
    except Exception as failure:
        fail("check", f"{place} could not be imported: {type(failure).__name__}: {failure}", WRONG_CALL)


def _run_file(path: Path) -> Any:
    spec: Any = importlib.util.spec_from_file_location(f"checked_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up their annotations
    spec.loader.exec_module(module)
    return module
