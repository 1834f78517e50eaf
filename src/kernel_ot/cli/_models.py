"""The commands about one model: fit, transform, info, summary, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kernel_ot.cli._options import (
    Bars,
    Jobs,
    Json,
    TableOptions,
    auto_or_float,
    auto_or_int,
    reads_tables,
)
from kernel_ot.cli._reporting import plain_messages, print_result

Model = Annotated[Path, typer.Argument(help="Model that `fit` saved.")]


@reads_tables
def fit(
    source: Annotated[str, typer.Argument(help="Sample where the map starts; - is stdin.")],
    target: Annotated[str, typer.Argument(help="Sample where it arrives.")],
    out: Annotated[Path, typer.Option(help="File to save the model to.")],
    reg_sos: Annotated[
        object,
        typer.Option(
            parser=auto_or_float,
            metavar="FLOAT|auto",
            help="lambda_1, weight of the trace of the sum of squares.  [default: auto, 1e-3]",
        ),
    ] = None,
    reg_potential: Annotated[
        object,
        typer.Option(
            parser=auto_or_float,
            metavar="FLOAT|auto",
            help="lambda_2, weight of the potentials' norms: larger is smoother.  "
            "[default: auto, by held-out points]",
        ),
    ] = None,
    n_fill: Annotated[
        object,
        typer.Option(
            parser=auto_or_int,
            metavar="INT|auto",
            help="Most filling points held at once; the exact number where --filling is not "
            "adaptive.  [default: auto, 4000 or 300]",
        ),
    ] = None,
    filling: Annotated[
        str | None,
        typer.Option(
            help="Where the constraint holds: adaptive, pairs, random_pairs, plan_pairs, sobol.  "
            "[default: adaptive]"
        ),
    ] = None,
    bandwidth: Annotated[
        float | None,
        typer.Option(
            help="Of a Gaussian kernel, in units of the preconditioned spread.  "
            "[default: by held-out points]"
        ),
    ] = None,
    preconditioner: Annotated[
        str | None,
        typer.Option(
            help="What regularisation shrinks to: gaussian (the linear map), scale (a shift), "
            "none.  [default: gaussian]"
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="Solver: auto, ssn, interior_point, short_step, ...  [default: auto]"),
    ] = None,
    tol: Annotated[float | None, typer.Option(help="Residual to reach.  [default: 1e-8]")] = None,
    max_iter: Annotated[
        int | None,
        typer.Option(help="Most rounds of filling, or steps of the solver.  [default: 60 rounds]"),
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Most seconds for the final solve.  [default: none]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of splits and random filling points.  [default: 0]")
    ] = None,
    jobs: Jobs = 1,
    *,
    tables: TableOptions,
    as_json: Json = False,
    progress: Bars = None,
) -> None:
    """Estimate the transport between two samples and save the model.

    A solve that ends before its tolerance still saves the best point that it reached, says so on
    stderr, and exits with 0; JSON then holds "converged": false.
    """
    given = {
        "reg_sos": reg_sos,
        "reg_potential": reg_potential,
        "n_fill": n_fill,
        "filling": filling,
        "method": method,
        "tol": tol,
        "max_iter": max_iter,
        "time_limit": time_limit,
        "random_state": seed,
        "n_jobs": None if jobs == 1 else jobs,
    }
    parameters = {name: value for name, value in given.items() if value is not None}
    if preconditioner is not None:
        parameters["preconditioner"] = None if preconditioner == "none" else preconditioner
    with plain_messages():
        from kernel_ot.cli import _commands

        if bandwidth is not None:
            from kernel_ot.kernels import Gaussian

            parameters["kernel"] = Gaussian(bandwidth)
        result, code = _commands.fit(source, target, out, parameters, tables, progress=progress)
        print_result(result, as_json=as_json)
    if code:
        raise typer.Exit(code)


@reads_tables
def transform(
    model: Model,
    points: Annotated[str, typer.Argument(help="Points to map; - is stdin.")],
    out: Annotated[str, typer.Option(help="File for their images; - is stdout.")],
    inverse: Annotated[bool, typer.Option("--inverse", help="Map from target to source.")] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace the file if it exists; never an input, but SAME.h5ad:NEW_KEY adds to it.",
        ),
    ] = False,
    *,
    tables: TableOptions,
    as_json: Json = False,
    progress: Bars = None,
) -> None:
    """Map points, which need not be in the samples, with a saved model.

    From .h5ad to .h5ad the file is a copy of the input with the images in place of the points;
    --out FILE.h5ad:KEY keeps those as well and puts the images into obsm.
    """
    with plain_messages():
        from kernel_ot.cli import _commands

        result = _commands.transform(
            model,
            points,
            out,
            tables,
            inverse=inverse,
            progress=progress,
            overwrite=overwrite,
        )
        print_result(result, as_json=as_json, to_stderr=out == "-")


def info(model: Model, as_json: Json = False) -> None:
    """Say what a saved model holds."""
    with plain_messages():
        from kernel_ot.cli import _commands

        print_result(_commands.info(model), as_json=as_json)


Fresh = Annotated[
    str | None, typer.Argument(help="Fresh sample.  [default: what the model was fitted to]")
]


@reads_tables
def summary(
    model: Model,
    source: Fresh = None,
    target: Fresh = None,
    *,
    tables: TableOptions,
    as_json: Json = False,
) -> None:
    """Say whether a saved model is good: verdict, cautions, numbers; by fresh samples if given."""
    with plain_messages():
        from kernel_ot.cli import _commands

        found = _commands.summary(model, source, target, tables)
        typer.echo(found.to_json() if as_json else str(found))


@reads_tables
def report(
    model: Model,
    source: Fresh = None,
    target: Fresh = None,
    out: Annotated[Path, typer.Option(help="The page.")] = Path("report.html"),
    *,
    tables: TableOptions,
) -> None:
    """Write one page of HTML about a saved model: verdict, what moved, figures, settings."""
    with plain_messages():
        from kernel_ot.cli import _commands

        typer.echo(_commands.report(model, source, target, out, tables))
