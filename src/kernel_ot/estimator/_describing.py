"""What a fitted estimator says of itself: it is judged, warns, and writes its summary and page."""

from __future__ import annotations

import warnings
from pathlib import Path

from sklearn.utils.validation import check_is_fitted

from kernel_ot.diagnostics import (
    CautionWarning,
    Diagnostics,
    FittedTransport,
    cautions,
    cost_interval,
    diagnose,
)
from kernel_ot.report import write_report
from kernel_ot.samples import Points


class DescribesItself:
    """`summary` and `report` of a fitted transport."""

    @property
    def cost_interval_(self: FittedTransport) -> tuple[float, float]:
        """Interval of the transport cost between the populations, meant to hold it with 95 %.

        From the noise of the points, and down to what held-out points say; see the glossary.
        """
        check_is_fitted(self)
        return cost_interval(self)

    def summary(
        self: FittedTransport, x: Points | None = None, y: Points | None = None
    ) -> Diagnostics:
        """Return the verdict on the fit, cautions and diagnostics, which print as text.

        Parameters
        ----------
        x, y : array-like, optional
            Fresh samples, by which the model itself is judged. If not given, the verdict is the one
            that `fit` reached by points that it kept out, and the numbers are on the training
            samples, on which everything looks better.

        Returns
        -------
        Diagnostics
            Also `to_frame()`, `to_json()`, and a table in notebooks.
        """
        check_is_fitted(self)
        return diagnose(self, x, y)

    def report(
        self: FittedTransport, path: str | Path, x: Points | None = None, y: Points | None = None
    ) -> Path:
        """Write one self-contained HTML page about the fit; needs matplotlib.

        Parameters
        ----------
        path : str or Path
        x, y : array-like, optional
            Fresh samples, as in `summary`.
        """
        check_is_fitted(self)
        return write_report(self, path, x, y)


def warn_of_cautions(model: FittedTransport) -> None:
    """Warn, at the caller of `fit`, of what a user should know before trusting it.

    What was seen of the maps is one fault with one cause, and one warning: the first of these
    cautions has its remedy, the others are what follows from it.
    """
    # Of "outliers" `warn_of_outliers` has told.
    found = [caution for caution in cautions(model) if caution.name != "outliers"]
    apart = [caution for caution in found if caution.is_of_samples]
    of_the_fit = [caution for caution in found if not caution.is_of_samples]
    messages = [str(caution) for caution in apart]
    if of_the_fit:
        causes = " ".join(caution.cause for caution in of_the_fit)
        messages.append(f"{causes} {of_the_fit[0].remedy}")
    for message in messages:
        warnings.warn(message, CautionWarning, stacklevel=3)
