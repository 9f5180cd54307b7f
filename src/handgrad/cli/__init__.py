"""The command line. Each command is a thin face: it reads its arguments, calls the library, and shows what came out.

Exit codes: 0, it did what was asked; 1, it ran but failed (a gradient is not proved, training diverged or is ill);
2, the call was wrong, and one line on standard error says how. Standard output holds results only, and with --json
only JSON.
"""

import os
import sys
from typing import Annotated

import typer

from handgrad import __version__
from handgrad.cli.bench import bench
from handgrad.cli.check import check
from handgrad.cli.compare import compare
from handgrad.cli.demo import demo
from handgrad.cli.doctor import doctor
from handgrad.cli.export import export
from handgrad.cli.play import play
from handgrad.cli.predict import predict
from handgrad.cli.reproduce import reproduce
from handgrad.cli.trace import trace
from handgrad.cli.train import train

__all__ = ["app", "main"]

app = typer.Typer(name="handgrad", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
for _command in (demo, train, predict, export, check, compare, reproduce, doctor, trace, bench, play):
    app.command()(_command)


@app.callback(invoke_without_command=True)
def handgrad(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Small neural networks whose every gradient is derived by hand, proved, and compared honestly.

    Begin with: handgrad demo
    """
    if version:
        typer.echo(f"handgrad {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> int:
    """Run the command line; gives the exit code."""
    try:
        return int(app(prog_name="handgrad", standalone_mode=False) or 0)
    except typer.Abort:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as wrong:
        if not hasattr(wrong, "format_message"):  # typer's errors about the call itself all have it
            raise
        print(f"handgrad: {' '.join(wrong.format_message().split())} (see handgrad --help)", file=sys.stderr)
        return 2
