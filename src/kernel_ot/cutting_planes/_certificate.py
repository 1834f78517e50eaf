"""What potentials prove about the cost between two samples, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Certificate:
    """What the fitted potentials prove about the empirical transport cost, in squared user units.

    Attributes
    ----------
    lower_bound : float
        A lower bound of the optimal cost between the two samples. If `kind` is "exact", it is
        proven: the best of the dual value shifted by the largest violation and of the two values in
        which one potential is replaced by the c-transform of the other on the sample. If `kind` is
        "sampled", it is not proven: it holds with a probability of 95 % over the rows drawn.
    largest_violation : float
        Largest u(x_i) + v(y_j) - c(x_i, y_j) over the sample pairs that were evaluated; (u, v) is
        itself feasible if `kind` is "exact" and this is at most 0.
    n_pairs : int
        Number of sample pairs that were evaluated.
    kind : {"exact", "sampled"}
        Whether these are all pairs, or all partners y_j of `n_rows` random x_i.
    n_rows : int
        Rows x_i whose partners were evaluated.
    violated_rows : int
        Of these, how many violate by more than the fit's tolerance.
    violated_share : float
        With 95 % probability no larger a share of all rows does: 3 / n_rows where none of the
        sampled ones does. If `kind` is "exact", the share itself.

    Examples
    --------
    >>> import numpy as np
    >>> from kernel_ot import KernelOT
    >>> from kernel_ot.kernels import Gaussian
    >>> x = np.linspace(0, 1, 20)[:, None]
    >>> model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, x + 3)
    >>> model.certificate_.kind, model.certificate_.n_pairs, model.certificate_.proven
    ('exact', 400, True)
    """

    lower_bound: float
    largest_violation: float
    n_pairs: int
    kind: Literal["exact", "sampled"]
    n_rows: int
    violated_rows: int
    violated_share: float

    @property
    def proven(self) -> bool:
        """Whether `lower_bound` is certain: all pairs were evaluated."""
        return self.kind == "exact"

    @property
    def assurance(self) -> str:
        """How sure `lower_bound` is, in words: "proven" or "with 95 % probability"."""
        return "proven" if self.proven else f"with {CONFIDENCE:.0%} probability".replace("%", " %")

    def __str__(self) -> str:
        """Return one sentence that says what is known of the cost and how."""
        bound = f"cost >= {self.lower_bound:.6g}"
        if self.proven:
            return f"{bound}, proven: exact over all {self.n_pairs} pairs"
        return (
            f"{bound} {self.assurance}; sampled: {self.violated_rows} of {self.n_rows} rows "
            f"violated, so at most {self.violated_share:.2g} of all (95 %)"
        )
