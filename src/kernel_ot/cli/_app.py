"""The commands and their options.

What computes is imported inside the commands, so that --help and --version answer at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kernel_ot._version import __version__
from kernel_ot.cli._benchmark import run_benchmark
from kernel_ot.cli._reporting import plain_messages, print_result

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Kernel-based optimal transport between two samples: cost, potentials and maps.\n\n"
    "Files are .npy, .npz, .csv, .tsv, .mat or .h5ad with one point a row; FILE.mat:NAME chooses "
    "the variable where a file holds several.",
)


def _auto_or_float(text: str) -> str | float:
    return "auto" if text == "auto" else _number(text, float)


def _auto_or_int(text: str) -> str | int:
    return "auto" if text == "auto" else _number(text, int)


def _number(text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither 'auto' nor a number.") from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kernel-ot {__version__}")
        raise typer.Exit


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Bars = Annotated[
    bool | None,
    typer.Option("--progress/--no-progress", help="Progress bars; by default on a terminal only."),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of a .csv names its columns; by default if it is not numbers.",
    ),
]


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Only holds the options that belong to no command."""


@app.command()
def fit(
    source: Annotated[str, typer.Argument(help="Sample where the map starts.")],
    target: Annotated[str, typer.Argument(help="Sample where it arrives.")],
    out: Annotated[Path, typer.Option(help="File to save the model to.")],
    reg_sos: Annotated[
        Any, typer.Option(parser=_auto_or_float, metavar="FLOAT|auto", help="lambda_1.")
    ] = None,
    reg_potential: Annotated[
        Any, typer.Option(parser=_auto_or_float, metavar="FLOAT|auto", help="lambda_2.")
    ] = None,
    n_fill: Annotated[
        Any, typer.Option(parser=_auto_or_int, metavar="INT|auto", help="Filling points.")
    ] = None,
    filling: Annotated[
        str | None, typer.Option(help="adaptive, pairs, random_pairs, plan_pairs or sobol.")
    ] = None,
    bandwidth: Annotated[
        float | None,
        typer.Option(help="Of a Gaussian kernel, in units of the preconditioned spread."),
    ] = None,
    preconditioner: Annotated[
        str | None, typer.Option(help="gaussian, scale or none.", show_default=False)
    ] = None,
    method: Annotated[str | None, typer.Option(help="auto, ssn, interior_point.")] = None,
    tol: Annotated[float | None, typer.Option(help="Relative KKT residual to reach.")] = None,
    max_iter: Annotated[int | None, typer.Option(help="Most iterations.")] = None,
    time_limit: Annotated[float | None, typer.Option(help="Most seconds for the solver.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random state.")] = None,
    header: Header = None,
    as_json: Json = False,
    progress: Bars = None,
) -> None:
    """Estimate the transport between two samples and save the model.

    A solve that ends before its tolerance still saves the best point that it reached, says so on
    stderr, and exits with 0; JSON then holds "converged": false. Options that are not given take
    the defaults of KernelOT.
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
    }
    parameters = {name: value for name, value in given.items() if value is not None}
    if preconditioner is not None:
        parameters["preconditioner"] = None if preconditioner == "none" else preconditioner
    with plain_messages():
        from kernel_ot.cli import _commands

        if bandwidth is not None:
            from kernel_ot.kernels import Gaussian

            parameters["kernel"] = Gaussian(bandwidth)
        result, code = _commands.fit(
            source, target, out, parameters, header=header, progress=progress
        )
        print_result(result, as_json=as_json)
    if code:
        raise typer.Exit(code)


@app.command()
def transform(
    model: Annotated[Path, typer.Argument(help="Model that `fit` saved.")],
    points: Annotated[str, typer.Argument(help="Points to map.")],
    out: Annotated[str, typer.Option(help="File for their images.")],
    inverse: Annotated[bool, typer.Option("--inverse", help="Map from target to source.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it exists; never an input.")
    ] = False,
    header: Header = None,
    as_json: Json = False,
    progress: Bars = None,
) -> None:
    """Map points, which need not be in the samples, with a saved model.

    From .h5ad to .h5ad the file is a copy of the input with the images in place of the points;
    --out FILE.h5ad:NAME keeps those as well and puts the images into obsm.
    """
    with plain_messages():
        from kernel_ot.cli import _commands

        result = _commands.transform(
            model,
            points,
            out,
            inverse=inverse,
            header=header,
            progress=progress,
            overwrite=overwrite,
        )
        print_result(result, as_json=as_json)


@app.command()
def info(
    model: Annotated[Path, typer.Argument(help="Model that `fit` saved.")],
    as_json: Json = False,
) -> None:
    """Say what a saved model holds."""
    with plain_messages():
        from kernel_ot.cli import _commands

        print_result(_commands.info(model), as_json=as_json)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures; made if missing.")],
    as_json: Json = False,
    progress: Bars = None,
) -> None:
    """Transfer the colours of two photographs onto each other, in both directions."""
    with plain_messages():
        from kernel_ot.demo import colour_transfer

        result = colour_transfer(out, progress=progress)
        if as_json:
            print_result(result.summary, as_json=True)
        else:
            typer.echo(result.text())


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def benchmark(context: typer.Context) -> None:
    """Measure the solvers against their peers, from a checkout; takes `--quick`, `--help`."""
    with plain_messages():
        code = run_benchmark(context.args)
    if code:
        raise typer.Exit(code)
