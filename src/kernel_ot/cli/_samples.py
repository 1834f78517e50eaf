"""The commands that need no model: distance and test between two samples, and screens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kernel_ot.cli._options import (
    Bars,
    Jobs,
    Json,
    Seed,
    TableOptions,
    Where,
    reads_tables,
)
from kernel_ot.cli._reporting import plain_messages, print_result

First = Annotated[str, typer.Argument(help="One sample; - is stdin.")]
Second = Annotated[str, typer.Argument(help="The other.")]


@reads_tables
def distance(
    first: First,
    second: Second,
    transport: Annotated[
        bool,
        typer.Option(
            "--transport/--no-transport",
            help="Estimate the Wasserstein distance, which takes a fit; the energy distance is "
            "there at once.",
        ),
    ] = True,
    seed: Seed = 0,
    *,
    tables: TableOptions,
    as_json: Json = False,
    progress: Bars = None,
) -> None:
    """Print distances between two samples: Wasserstein (estimated), energy."""
    with plain_messages():
        from kernel_ot.cli import _commands

        result = _commands.distance(
            first, second, tables, transport=transport, seed=seed, progress=progress
        )
        print_result(result, as_json=as_json)


@reads_tables
def two_sample_test(
    first: First,
    second: Second,
    permutations: Annotated[
        int, typer.Option(help="Relabellings: the smallest p-value is 1 / (1 + their number).")
    ] = 999,
    seed: Seed = 0,
    jobs: Jobs = 1,
    *,
    tables: TableOptions,
    as_json: Json = False,
) -> None:
    """Print the p-value of both samples being of one distribution, by permutations."""
    with plain_messages():
        from kernel_ot.cli import _commands

        result = _commands.compare(
            first,
            second,
            tables,
            permutations=permutations,
            seed=seed,
            n_jobs=None if jobs == 1 else jobs,
        )
        print_result(result, as_json=as_json)


def screen(
    cells: Annotated[Path, typer.Argument(help="A .h5ad file.")],
    condition: Annotated[str, typer.Option(help="The column of obs with the treatments.")],
    control: Annotated[str, typer.Option(help="Its entry of untreated cells.")],
    out: Annotated[Path, typer.Option(help="Folder for maps, predictions, tables and the report.")],
    rep: Annotated[str, typer.Option(help="X, or a key of obsm or layers.")] = "X_pca",
    batch: Annotated[
        str | None,
        typer.Option(help="Column of obs by whose shares control cells are weighted."),
    ] = None,
    held_out: Annotated[
        float, typer.Option(help="Share of the cells that is kept to judge predictions.")
    ] = 0.2,
    where: Where = None,
    jobs: Jobs = 1,
    seed: Seed = 0,
    as_json: Json = False,
    progress: Bars = None,
) -> None:
    """Fit a map from the control to every condition of a screen, and report on all.

    Interrupted, the same call goes on where it ended: maps that are there are not fitted again.
    """
    with plain_messages():
        from kernel_ot.cli import _screen

        result = _screen.screen(
            cells,
            out,
            condition=condition,
            control=control,
            use_rep=rep,
            batch=batch,
            held_out=held_out,
            where=where,
            n_jobs=jobs,
            random_state=seed,
            progress=progress,
        )
        print_result(result, as_json=as_json)
