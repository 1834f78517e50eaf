"""A caution, and those about rows: what was left out, and what was fitted though it is far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernel_ot._arrays import Array, agreeing
from kernel_ot.diagnostics._transport import FittedTransport

_MOST_ROWS_NAMED = 10


class CautionWarning(UserWarning):
    """A fit has a property that its user should know of; see `KernelOT.summary`.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("ignore", CautionWarning)  # once they were read
    """


@dataclass(frozen=True)
class Caution:
    """One thing to know before trusting a fit.

    Attributes
    ----------
    name : str
        "outliers", "far rows", "few points", "small features", "flat", "violation", "no return",
        "mean", "off the support" or "bound".
    cause, remedy : str
        One sentence each.

    Examples
    --------
    >>> print(Caution("few points", "There are too few.", "Give more."))
    There are too few. Give more.
    """

    name: str
    cause: str
    remedy: str

    @property
    def is_of_samples(self) -> bool:
        """Whether it is about the rows that were given, not about what the fit made of them."""
        return self.name in ("outliers", "far rows", "few points", "small features", "flat")

    def __str__(self) -> str:
        return f"{self.cause} {self.remedy}"


def sample_sizes(model: FittedTransport) -> tuple[int, int]:
    """Return how many rows were fitted; of large samples a model keeps a random part."""
    summary = model.summary_of_all_
    return (len(model.samples_.x), len(model.samples_.y)) if summary is None else summary.sizes


def outlier_caution(sizes: tuple[int, int], outliers: tuple[Array, Array]) -> Caution | None:
    """Return which rows a fit left out, None where there are none."""
    found = _counted(sizes, outliers)
    if not found:
        return None
    number = sum(map(len, outliers))
    return Caution(
        "outliers",
        f"{found} "
        + agreeing(
            number,
            "[lies|lie] far outside of [its|their] sample (three times its width, or by "
            "[itself|themselves]) and [is|are] left out: map and cost_ are those of the other "
            "rows, the map reaches outside as the Gaussian part does.",
        ),
        agreeing(
            number,
            "Correct or remove [it|them], transform heavy tails (by a logarithm, say), or fit "
            "[it|them] with outliers='keep'.",
        ),
    )


def far_rows(model: FittedTransport) -> tuple[Array, Array]:
    """Return the rows that were fitted though they lie far from all others."""
    far = model.samples_.far_rows()
    if any(map(len, model.outliers_)):
        return far
    # Where none was left out these were kept.
    kept = model.samples_.outliers()
    return np.union1d(far[0], kept[0]), np.union1d(far[1], kept[1])


def caution_of_rows(model: FittedTransport, rows_of_both: tuple[Array, Array]) -> Caution | None:
    """Return which rows were fitted that may bend the map of the others."""
    samples = model.samples_
    if model.summary_of_all_ is None:
        found = _counted(sample_sizes(model), rows_of_both)
    else:  # a random part, whose row numbers say nothing to the user
        found = " and ".join(
            f"{len(rows)} of {len(points)} random rows of {name}"
            for name, points, rows in zip("xy", (samples.x, samples.y), rows_of_both, strict=True)
            if len(rows)
        )
    if not found:
        return None
    number = sum(map(len, rows_of_both))
    return Caution(
        "far rows",
        f"{found} "
        + agreeing(
            number,
            "[lies by itself|lie by themselves], far outside of all others, and [was|were] fitted "
            "with them: [it|they] may bend map and cost_ of the others.",
        ),
        agreeing(
            number,
            "Correct or remove [it if it is|them if they are] wrong, [or |]transform heavy tails "
            "(by a logarithm, say)[|, or fit them by themselves if they are a group of their own].",
        ),
    )


def _counted(sizes: tuple[int, int], rows_of_both: tuple[Array, Array]) -> str:
    """Return how many rows of x and of y they are, and which; nothing where there are none."""
    return " and ".join(
        f"{len(rows)} of the {size} rows of {name} ({listed(rows)})"
        for name, size, rows in zip("xy", sizes, rows_of_both, strict=True)
        if len(rows)
    )


def listed(rows: Array) -> str:
    more = f", ... {rows[-1]}" if len(rows) > _MOST_ROWS_NAMED else ""
    return ", ".join(str(row) for row in rows[:_MOST_ROWS_NAMED]) + more
