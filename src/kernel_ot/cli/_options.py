"""Options that several commands share, and how tables are read with them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

_Number = TypeVar("_Number", int, float)

if TYPE_CHECKING:
    from kernel_ot.io import Table


def auto_or_float(text: str) -> str | float:
    """Return "auto" or a number."""
    return "auto" if text == "auto" else _number(text, float)


def auto_or_int(text: str) -> str | int:
    """Return "auto" or a whole number."""
    return "auto" if text == "auto" else _number(text, int)


def _number(text: str, kind: Callable[[str], _Number]) -> _Number:
    try:
        return kind(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither 'auto' nor a number.") from None


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Bars = Annotated[
    bool | None,
    typer.Option(
        "--progress/--no-progress",
        help="Progress bars on standard error.  [default: on a terminal only]",
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of a text names its columns.  "
        "[default: what its first two lines say]",
    ),
]
Index = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|NUMBER|none",
        help="The column that names the rows.  [default: a first column of text or without a name]",
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        metavar=".|,", help="Decimal mark.  [default: a comma between semicolons, else a point]"
    ),
]
DropMissing = Annotated[
    bool,
    typer.Option("--drop-missing", help="Leave out rows with missing values, counted by column."),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="CONDITION",
        help="Use only these rows, as in \"cell_type == 'T' and n_genes > 500\": by the columns of "
        "obs in a .h5ad file, of the table itself else.  [default: all]",
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Jobs = Annotated[int, typer.Option(help="Processes at once; -1 takes all cores.")]


@dataclass(frozen=True)
class TableOptions:
    """How the tables of one call are read; see `kernel_ot.io.read_table`."""

    header: Header = None
    index: Index = None
    decimal: Decimal = None
    drop_missing: DropMissing = False
    where: Where = None

    def read(self, source: str) -> Table:
        """Read a table; the index only where the format has one."""
        from kernel_ot.io import read_table

        return read_table(source, **asdict(self))


def reads_tables(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the options of `TableOptions` in the place of its argument `tables`.

    Typer makes options of a signature, so that is what is rewritten.
    """
    options = inspect.signature(TableOptions, eval_str=True).parameters

    @wraps(command)
    def with_options(**given: object) -> None:
        tables = TableOptions(**{name: given.pop(name) for name in options})  # type: ignore[arg-type]  # as Typer has read them
        command(**given, tables=tables)

    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        replaced = options.values() if parameter.name == "tables" else [parameter]
        parameters += [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in replaced]
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return with_options
