"""What `summary` returns: the verdict, cautions and numbers of a fit, for people and machines."""

from __future__ import annotations

import dataclasses
import json
import math
import textwrap
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Literal, TypedDict

from kernel_ot.diagnostics._glossary import GLOSSARY, Term
from kernel_ot.diagnostics._of_rows import Caution
from kernel_ot.diagnostics._verdict import Gain, Outcome, Verdict

if TYPE_CHECKING:
    import pandas as pd

_WIDTH = 88
_FAULT = (
    "Do not use this map as it is: the backward map does not undo it. The cautions say why and "
    "what to do."
)
_NOT_JUDGED = (
    "Not judged: settings were given or nothing was compared, a sample has fewer than 30 points, "
    "or verdict=False. KernelOT(verdict=True) judges fits of given settings; summary(x_new, y_new) "
    "judges by fresh points."
)


@dataclass(frozen=True)
class Number:
    """One number with its name, its uncertainty and its line of the glossary.

    Attributes
    ----------
    name : str
        The attribute of `Diagnostics` and the key in frame and JSON.
    value : float or int
    low, high : float, optional
        A 95 % interval, where there is one.
    note : str, optional
        How sure it is, where that is not the same for all fits.

    Examples
    --------
    >>> Number("cost", 1.25, 1.0, 1.5).text
    '1.25  (95 %: 1 to 1.5)'
    """

    name: str
    value: float | int
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def term(self) -> Term:
        """What it is called and says."""
        return GLOSSARY[self.name]

    @property
    def text(self) -> str:
        """The value as people read it, with its interval."""
        value = f"{self.value:.4g}" + (f"  ({self.note})" if self.note else "")
        return value if self.low is None else f"{value}  (95 %: {self.low:.4g} to {self.high:.4g})"


class NumberEntry(TypedDict):
    """A number and its interval, None where they are not finite."""

    value: float | None
    low: float | None
    high: float | None
    note: str


class DiagnosticsEntry(TypedDict):
    """All of a summary as plain JSON values."""

    verdict: str
    outcome: str
    cautions: list[dict[str, str]]
    evaluated_on: str
    numbers: dict[str, NumberEntry]


@dataclass(frozen=True)
class Diagnostics:
    """Numbers to judge a fit by; lengths and costs in the user's units.

    Prints as text, shows as a table in notebooks; `to_frame` and `to_json` hand it on. The meaning
    of each number is in `kernel_ot.diagnostics.GLOSSARY` under the attribute's name.

    Attributes
    ----------
    verdict : Verdict or None
        Whether the map is better than the preconditioner alone, by held-out points; None where it
        was not asked.
    cautions : tuple of Caution
        What to know before trusting the fit.
    held_out : bool
        Whether fresh samples were given; otherwise the numbers below that are about "these points"
        are on the training samples and so too good.
    cost, wasserstein : float
        The estimates of the populations' values.
    cost_interval, wasserstein_interval : tuple of float
        95 % intervals for the noise of the samples: to first order the cost fluctuates as mean u +
        mean v does (del Barrio and Loubes 2019). They go down to the held-out value where settings
        were compared; any other bias of the estimate is not in them.
    sample_cost_lower_bound : float
        Lower bound of the optimal cost between the training samples.
    sample_cost_lower_bound_assurance : str
        "proven", or "with 95 % probability" where a fit of many points looked at a part of the
        pairs.
    semi_dual, semi_dual_error : float
        mean u + mean u^c and its standard error.
    violation : float
        Largest u(x) + v(y) - c(x, y) over all pairs, relative to the mean cost of a pair.
    energy_distance, energy_distance_before : float
        Between T(x) and y, and between x and y.
    mmd, mmd_p_value : float
        Squared maximum mean discrepancy between T(x) and y, permutation p-value.
    monotone_fraction : float
        Part of the pairs with <T(x) - T(x'), x - x'> >= 0; 1 for an optimal map.
    cycle_error : float
        Mean `|S(T(x)) - x|^2` over the total variance of x.
    n_fill : int
        Filling points.
    effective_fill : float
        `(sum |gamma|)^2 / sum gamma^2`.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> from kernel_ot.kernels import Gaussian
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, x + 3)
    >>> summary = model.summary()
    >>> round(summary.wasserstein, 2), summary.to_frame().shape[0] > 5
    (3.0, True)
    """

    verdict: Verdict | None
    cautions: tuple[Caution, ...]
    held_out: bool
    cost: float
    cost_interval: tuple[float, float]
    wasserstein: float
    wasserstein_interval: tuple[float, float]
    sample_cost_lower_bound: float
    sample_cost_lower_bound_assurance: str
    semi_dual: float
    semi_dual_error: float
    violation: float
    energy_distance: float
    energy_distance_before: float
    mmd: float
    mmd_p_value: float
    monotone_fraction: float
    cycle_error: float
    n_fill: int
    effective_fill: float

    @property
    def outcome(self) -> Outcome | Literal["fault", "not judged"]:
        """The verdict's outcome; "fault" where the backward map shows that the map is none."""
        if any(caution.name == "no return" for caution in self.cautions):
            return "fault"
        return "not judged" if self.verdict is None else self.verdict.outcome

    @property
    def sentence(self) -> str:
        """The verdict in plain words, or why there is none."""
        if self.outcome == "fault":
            return _FAULT
        return _NOT_JUDGED if self.verdict is None else self.verdict.sentence

    @property
    def evaluated_on(self) -> str:
        """Which points "these points" are."""
        return "fresh samples" if self.held_out else "the training samples, so too good"

    def numbers(self) -> list[Number]:
        """Return every number that the glossary explains."""
        intervals: dict[str, tuple[float, float]] = {
            "cost": self.cost_interval,
            "wasserstein": self.wasserstein_interval,
            "semi_dual": _interval(self.semi_dual, self.semi_dual_error),
        }
        numbers = []
        for name in filter(partial(hasattr, self), GLOSSARY):
            low, high = intervals.get(name, (None, None))
            note = getattr(self, f"{name}_assurance", "")
            numbers.append(Number(name, getattr(self, name), low, high, note))
        return [*self._gains(), *numbers]

    def _gains(self) -> list[Number]:
        if self.verdict is None:
            return []
        gains: dict[str, Gain | None] = {
            "energy_gain": self.verdict.energy,
            "identity_gain": self.verdict.identity,
            "semi_dual_gain": self.verdict.semi_dual,
        }
        return [
            Number(name, gain.value, *_interval(gain.value, gain.error))
            for name, gain in gains.items()
            if gain is not None
        ]

    def to_dict(self) -> DiagnosticsEntry:
        """Return everything as plain JSON values; what is not finite becomes None."""
        numbers: dict[str, NumberEntry] = {
            number.name: {
                "value": _finite(number.value),
                "low": _finite(number.low),
                "high": _finite(number.high),
                "note": number.note,
            }
            for number in self.numbers()
        }
        return {
            "verdict": self.sentence,
            "outcome": self.outcome,
            "cautions": [dataclasses.asdict(caution) for caution in self.cautions],
            "evaluated_on": "fresh samples" if self.held_out else "training samples",
            "numbers": numbers,
        }

    def to_json(self) -> str:
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers as a data frame: value, 95 % interval, what each is about and means.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas") from error
        numbers = self.numbers()
        return pd.DataFrame(
            {
                "value": [number.value for number in numbers],
                "low": [math.nan if n.low is None else n.low for n in numbers],
                "high": [math.nan if n.high is None else n.high for n in numbers],
                "note": [number.note for number in numbers],
                "about": [number.term.about for number in numbers],
                "meaning": [number.term.meaning for number in numbers],
            },
            index=pd.Index([number.name for number in numbers], name="number"),
        )

    def __str__(self) -> str:
        paragraphs = [self.sentence, *(f"Caution: {caution}" for caution in self.cautions)]
        wrapped = [textwrap.fill(text, _WIDTH, subsequent_indent="  ") for text in paragraphs]
        rows = [(n.term.label, n.text, n.term.about) for n in self.numbers()]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows]
        return "\n".join([*wrapped, "", *lines, "", f"these points: {self.evaluated_on}"])

    def _repr_html_(self) -> str:
        """Show as a table in notebooks, with the meaning of each number beside it."""
        cautions = "".join(f"<p>&#9888; {escape(str(caution))}</p>" for caution in self.cautions)
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:left'>{escape(cell)}</td>"
                for cell in (n.term.label, n.text, n.term.about, n.term.meaning)
            )
            + "</tr>"
            for n in self.numbers()
        )
        head = "<tr><th>number</th><th>value</th><th>about</th><th>meaning</th></tr>"
        return (
            f"<p><strong>{escape(self.sentence)}</strong></p>{cautions}"
            f"<table>{head}{rows}</table><p>these points: {escape(self.evaluated_on)}</p>"
        )


def _interval(value: float, error: float) -> tuple[float, float]:
    return value - 1.96 * error, value + 1.96 * error


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
