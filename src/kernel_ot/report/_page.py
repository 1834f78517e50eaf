"""One self-contained page of HTML about a fitted model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np

from kernel_ot import kernels
from kernel_ot._arrays import Array, counted
from kernel_ot._files import atomic_path, check_destination
from kernel_ot._version import __version__
from kernel_ot.diagnostics import WORDS, FittedTransport, diagnose, fresh_samples
from kernel_ot.plots import COLOURS
from kernel_ot.report._features import feature_table
from kernel_ot.report._figures import before_and_after, of_the_map, of_the_selection
from kernel_ot.samples import Points
from kernel_ot.selection import is_auto

# Features of the first table; the others are in one that opens.
_MOST_FEATURES, _MOST_FOLDED = 20, 500


@dataclass(frozen=True)
class Setting:
    """One setting and where it came from."""

    name: str
    value: str
    why: str


def write_report(
    model: FittedTransport, path: str | Path, x: Points | None = None, y: Points | None = None
) -> Path:
    """Write one HTML page about a fitted `KernelOT`, without anything from outside.

    The verdict, cautions, what moved and by how much, figures before and after, the settings and
    why, all numbers with what they mean, and the code that fits the model again.

    Parameters
    ----------
    model : FittedTransport
        A fitted `KernelOT`.
    path : str or Path
    x, y : array-like, optional
        Fresh samples to judge the model by.

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        jinja2 or matplotlib is not installed (pip install 'kernel-ot[estimator,plots]').
    ValueError, PermissionError
        `path` is no regular file or cannot be written; found before anything is drawn.
    """
    path = check_destination(path)
    page = render(model, x, y)
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def render(model: FittedTransport, x: Points | None = None, y: Points | None = None) -> str:
    """Return the page as text."""
    try:
        import jinja2
    except ImportError as error:
        raise ImportError("The report needs jinja2: pip install 'kernel-ot[estimator]'") from error
    fresh = fresh_samples(model, x, y)
    fitted = model.samples_.with_mass()
    shown = fitted if fresh is None else fresh
    images = np.asarray(model.potentials_.transport(shown.x))
    whole = model.summary_of_all_
    sizes = (len(fitted.x), len(fitted.y)) if whole is None else whole.sizes
    names = feature_names(model)
    features = feature_table(shown, images, names)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kernel_ot.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        summary=diagnose(model, x, y),
        fresh=fresh is not None,
        shown=shown,
        n=sizes[0],
        m=sizes[1],
        is_part=whole is not None,
        d=fitted.dimension,
        names=names,
        features=features[:_MOST_FEATURES],
        folded=features[_MOST_FEATURES : _MOST_FEATURES + _MOST_FOLDED],
        n_left_out=max(0, len(features) - _MOST_FEATURES - _MOST_FOLDED),
        colours=COLOURS,
        clouds=list(before_and_after(shown, images, names)),
        maps=list(of_the_map(model, shown, images, features, names)),
        selection=list(of_the_selection(model)),
        settings=settings(model),
        words=WORDS,
        version=__version__,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        digests=[_digest(points) for points in (model.samples_.x, model.samples_.y)],
        call=_call(model),
    )


def feature_names(model: FittedTransport) -> tuple[str, ...]:
    """Return the features' names, numbered ones where the samples had none."""
    given = getattr(model, "feature_names_in_", None)
    if given is None:
        return tuple(f"feature {k + 1}" for k in range(model.n_features_in_))
    return tuple(map(str, given))


def settings(model: FittedTransport) -> list[Setting]:
    """Return the settings of a fit, each with where it came from."""
    given = model.get_params(deep=False)
    compared = [candidate for candidate in model.candidates_ if not candidate.is_baseline]
    chosen = (
        f"chosen as the best of {counted(len(compared), 'setting')} by held-out points"
        if compared
        else "the default where nothing is compared"
    )
    final = model.solution_
    rounds = model.rounds_
    return [
        Setting("kernel", str(model.kernel_), _why(given["kernel"], chosen)),
        Setting(
            "reg_potential (lambda_2)",
            f"{model.reg_potential_:.3g}",
            _why(given["reg_potential"], f"{chosen}, then lowered for all points"),
        ),
        Setting(
            "reg_sos (lambda_1)",
            f"{model.reg_sos_:.3g}",
            "has no influence on the estimate with adaptive filling"
            if rounds
            else _why(given["reg_sos"], "the default"),
        ),
        Setting("combination", *_combination(model)),
        Setting(
            "preconditioner",
            str(model.preconditioner),
            "what the map is where reg_potential is large",
        ),
        Setting(
            "filling",
            f"adaptive, {counted(len(rounds), 'round')}" if rounds else "fixed points",
            f"largest violation left: {min(step.violation for step in rounds):.1e} of the mean "
            f"cost (violation_tol = {model.violation_tol:.1e})"
            if rounds
            else "given",
        ),
        Setting(
            "solver",
            f"{final.method}, {counted(final.iterations, 'step')}, {final.seconds:.2g} s",
            final.status.message,
        ),
    ]


def _combination(model: FittedTransport) -> tuple[str, str]:
    """Return what the potentials are made of, and why."""
    found = model.combination_
    parts = [("kernel", found.kernel), ("Gaussian map", found.gaussian)]
    parts += [(f"entropic at {reg:.2g} of the mean cost", weight) for reg, weight in found.entropic]
    parts += [
        (f"spline of smoothing {smoothing:.2g}", weight) for smoothing, weight in found.splines
    ]
    shares = ", ".join(f"{weight:.0%} {name}" for name, weight in parts if weight)
    if len(shares.split(", ")) == 1:
        return shares, "nothing else carries weight, or combine=False"
    return shares, "weights with the largest semi-dual value on held-out points"


def _why(given: object, automatic: str) -> str:
    return automatic if is_auto(given) else "given"


def _call(model: FittedTransport) -> str:
    """Return the fit as code; what is not its default only."""
    code, samples = repr(model), model.samples_
    names = sorted({name for name in re.findall(r"(\w+)\(", code) if hasattr(kernels, name)})
    imports = ["from kernel_ot import KernelOT"]
    imports += [f"from kernel_ot.kernels import {', '.join(names)}"] if names else []
    weighted = any(
        np.ptp(weights[weights > 0]) > 0 or (weights == 0).sum() > len(left_out)
        for weights, left_out in zip(
            (samples.weights_x, samples.weights_y), model.outliers_, strict=True
        )
    )
    given = ", weights_x, weights_y" if weighted else ""
    return "\n".join([*imports, "", f"model = {code}.fit(x, y{given})"])


def _digest(points: Array) -> str:
    return sha256(np.ascontiguousarray(points, np.float64).tobytes()).hexdigest()[:16]
