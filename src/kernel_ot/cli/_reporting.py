"""What the commands print: results on stdout, everything else on stderr, one line a message."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

import typer

TRACEBACK_VARIABLE = "KERNEL_OT_TRACEBACK"


def say(message: object) -> None:
    """Print one line to stderr."""
    typer.echo(f"kernel-ot: {' '.join(str(message).split())}", err=True)


Result: TypeAlias = Mapping[str, object]
"""What a command says, as it is printed or written as JSON."""


def print_result(result: Result, *, as_json: bool, to_stderr: bool = False) -> None:
    """Print a result to stdout, or where stdout is a table to stderr: JSON, or a line an entry."""
    if as_json:
        typer.echo(json.dumps(result, allow_nan=False), err=to_stderr)
        return
    width = max(len(name) for name in result)
    for name, value in result.items():
        if value is not None:
            text = f"{value:.6g}" if isinstance(value, float) else str(value)
            typer.echo(f"{name.replace('_', ' '):<{width}}  {text}", err=to_stderr)


@contextmanager
def plain_messages() -> Iterator[None]:
    """Turn errors and warnings of the block into single lines, and errors into exit codes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")
            yield
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        say("interrupted")
        raise typer.Exit(130) from None
    except BrokenPipeError:  # the reader of our output, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except ModuleNotFoundError as error:
        say(f"error: {error}; install it with: pip install --upgrade kernel-ot")
        raise typer.Exit(1) from None
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        expected = isinstance(error, (ValueError, OSError, ImportError, MemoryError))
        hint = "" if expected else f" (a bug; {TRACEBACK_VARIABLE}=1 shows where, please report it)"
        kind = "" if expected else f"{type(error).__name__}: "
        say(f"error: {kind}{str(error) or type(error).__name__}{hint}")
        raise typer.Exit(1) from None
