"""Samples that are far apart, brought near each other before anything is compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kernel_ot._arrays import Array
from kernel_ot.preconditioning._conjugation import Conjugation
from kernel_ot.samples import Samples

# In standard deviations: from here on y is moved next to x.
_FAR_APART = 1e4


@dataclass(frozen=True, eq=False)
class Near:
    """Two samples with y next to x.

    Attributes
    ----------
    samples : Samples
    shift : ndarray of shape (d,)
        Where y was, minus where it is; zeros if it was near.
    cost : float
        The cost of the samples as they were, minus that of these.
    """

    samples: Samples
    shift: Array
    cost: float

    def moved(self, others: Samples) -> Samples:
        """Return a part of the samples as they were, moved as these are."""
        return replace(others, y=others.y - self.shift)

    def there(self, change: Conjugation) -> Conjugation:
        """Return a change of coordinates of the samples as they were as that of these."""
        return replace(change, mean_y=change.mean_y - self.shift)


def brought_near(samples: Samples, kind: str | None) -> Near:
    """Return the samples with y next to x, unless they are near.

    The semi-dual values of samples that are far apart have no digits left for what settings differ
    by. With a preconditioner, which takes the shift out, nothing else is another.

    Examples
    --------
    >>> x, masses = np.array([[0.0], [1.0]]), np.full(2, 0.5)
    >>> near = brought_near(Samples(x, x + 1e9, masses, masses), "gaussian")
    >>> near.samples.y.ravel(), near.shift, near.cost
    (array([0., 1.]), array([1.e+09]), 5e+17)
    >>> brought_near(Samples(x, x + 1e9, masses, masses), None).cost
    0.0
    """
    shift = np.median(samples.y, axis=0) - np.median(samples.x, axis=0)
    spread = max(float(np.std(points, axis=0).max()) for points in (samples.x, samples.y))
    if kind is None or np.linalg.norm(shift) <= _FAR_APART * spread:
        return Near(samples, np.zeros_like(shift), 0.0)
    near = replace(samples, y=samples.y - shift)
    apart = near.weights_y @ near.y - near.weights_x @ near.x
    return Near(near, shift, float(shift @ shift / 2 + shift @ apart))
