"""How a command fails: one line on standard error, and an exit code that tells whose fault it was."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Never, ParamSpec

import typer

Parameters = ParamSpec("Parameters")

FAILED, WRONG_CALL = 1, 2


def one_line_errors(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """The command, with the library's errors shown as one line: bad input exits 2, divergence 1."""

    @wraps(command)
    def run(*positional: Parameters.args, **named: Parameters.kwargs) -> None:
        try:
            command(*positional, **named)
        except BrokenPipeError:
            raise
        except ArithmeticError as failure:  # DivergenceError is one; its own room is heavy to import
            fail(command.__name__, failure, FAILED)
        except (ValueError, TypeError, OSError) as wrong:
            fail(command.__name__, wrong, WRONG_CALL)

    return run


def fail(command: str, reason: object, code: int) -> Never:
    """Say why in one line, and exit."""
    print(f"handgrad {command}: {' '.join(str(reason).split())}", file=sys.stderr)
    raise typer.Exit(code)
