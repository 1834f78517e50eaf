"""What decides how sets of features are compared."""

from __future__ import annotations

from dataclasses import dataclass

from kernel_ot.solvers import METHODS

from poisoning_study.errors import StudyError


@dataclass(frozen=True)
class DetectionSettings:
    """How clean and suspect features are compared.

    Parameters
    ----------
    components : int
        Principal components of the pooled features that enter the tests.
    permutations : int
        Draws of the null; 199 allow p = .005. Holm over k classes can find one different only from
        k / .05 - 1 permutations on.
    filling_points : int
        Filling points of kernel OT.
    bandwidth_factor : float
        Bandwidth as a multiple of the median distance.
    reg_sos, reg_potential : float
        Regularisation of kernel OT.
    flagged_share : float
        Share of each class that a detector's is-clean list calls poisoned: the highest scores.
    tolerance : float
        Of the solver.
    methods : tuple of str
        Methods of `kernel_ot.solve`, tried in this order until one converges.
    """

    components: int = 6
    permutations: int = 199
    filling_points: int = 60
    bandwidth_factor: float = 3.0
    reg_sos: float = 1e-3
    reg_potential: float = 1e-3
    flagged_share: float = 0.05
    tolerance: float = 1e-5
    methods: tuple[str, ...] = ("auto",)

    def __post_init__(self) -> None:
        if self.permutations < 19:
            raise StudyError(
                f"{self.permutations} permutations cannot reach p = .05; use at least 19."
            )
        if not 0 < self.flagged_share < 1:
            raise StudyError(f"flagged_share lies between 0 and 1, not {self.flagged_share}.")
        unknown = [name for name in self.methods if name not in ("auto", *METHODS)]
        if unknown or not self.methods:
            raise StudyError(
                f"methods must name some of auto, {', '.join(METHODS)}, not {list(self.methods)}."
            )
