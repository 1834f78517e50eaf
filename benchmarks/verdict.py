"""`python -m benchmarks.verdict`: whether a fit's verdict on itself is true, and what it costs.

For each family of `benchmarks.accuracy` a default fit judges itself; then 1000 + 1000 fresh points
judge the same model, and the true map says whether its kernel part made it better. A claim of gain
is wrong where the kernel part made the map worse (UVP).
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from itertools import product
from time import process_time

import numpy as np

from benchmarks.accuracy import _families
from benchmarks.accuracy._families import FAMILIES, make_case
from benchmarks.accuracy._methods import uvp
from kernel_ot import KernelOT
from kernel_ot.diagnostics import cautions

_FRESH = 1000


@dataclass(frozen=True)
class Judged:
    """One fit: what it says of itself, what fresh points and the truth say."""

    outcome: str
    energy: float
    error: float
    fresh_outcome: str
    fresh_energy: float
    fresh_error: float
    uvp_gain: float
    alarms: tuple[str, ...]
    share: float


def judge(family: str, d: int, n: int, seed: int) -> Judged:
    """Fit one case and judge its verdict."""
    case = make_case(family, d, n + _FRESH, seed)
    began = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KernelOT().fit(case.x[:n], case.y[:n])
        fitted = process_time() - began
        began = process_time()
        KernelOT(verdict=False).fit(case.x[:n], case.y[:n])
    without = process_time() - began
    fresh = model.summary(case.x[n:], case.y[n:]).verdict
    own = model.verdict_
    assert own is not None
    assert fresh is not None
    change = model.conjugation_
    linear = uvp(change.backward_y(change.forward_x(case.test)), case.truth)
    return Judged(
        outcome=own.outcome,
        energy=own.energy.value,
        error=own.energy.error,
        fresh_outcome=fresh.outcome,
        fresh_energy=fresh.energy.value,
        fresh_error=fresh.energy.error,
        uvp_gain=linear - uvp(model.transform(case.test), case.truth),
        alarms=tuple(caution.name for caution in cautions(model)),
        share=1 - without / fitted,
    )


def row(name: str, found: list[Judged]) -> str:
    """Return a line of the table."""
    helped = [j for j in found if j.uvp_gain > 0]
    claims = [j for j in found if j.outcome == "gain"]
    wrong = sum(j.uvp_gain <= 0 for j in claims)
    losses = [j for j in found if j.outcome == "loss"]
    wrong_losses = sum(j.uvp_gain > 0 for j in losses)
    seen = sum(j.uvp_gain > 0 for j in claims)
    by_fresh = sum(j.fresh_outcome == "gain" for j in found)
    z = np.array([(j.energy - j.fresh_energy) / np.hypot(j.error, j.fresh_error) for j in found])
    alarms = ", ".join(sorted({alarm for j in found for alarm in j.alarms})) or "none"
    share = np.median([j.share for j in found])
    cells = [
        name,
        len(found),
        len(helped),
        f"{len(claims)} ({wrong})",
        f"{len(losses)} ({wrong_losses})",
        f"{seen} of {len(helped)}",
        by_fresh,
        f"{z.mean():.2f}, {np.mean(np.abs(z) < 2):.0%}",
        f"{share:.0%}",
        alarms,
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Run and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--dimensions", nargs="+", type=int, default=[1, 2, 5, 10])
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 300])
    parser.add_argument("--seeds", nargs="+", type=int, default=[11, 12, 13, 14, 15])
    options = parser.parse_args()
    _families.MIXTURE_SIZE = 1000  # enough for the sign of a difference
    heads = [
        *("family, n", "fits", "kernel part helps (truth)", "gain claimed (wrongly)"),
        *("loss claimed (wrongly)", "gains seen", "gain by fresh points"),
        *("energy gain - fresh, in errors: mean, share within 2", "share of time", "cautions"),
    ]
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|", flush=True)
    for family, n in product(options.families, options.sizes):
        cases = [
            judge(family, d, n, seed)
            for d, seed in product(options.dimensions, options.seeds)
            if family != "monotone" or d == 1
        ]
        if cases:
            print(row(f"{family}, {n}", cases), flush=True)


if __name__ == "__main__":
    main()
