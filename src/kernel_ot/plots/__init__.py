"""Figures of a fit: convergence, selection, potentials, maps, components (needs matplotlib).

Every function draws into the Axes that it is given, or into one of a new figure, and returns it.
Nothing is shown and no global state (pyplot, rcParams) is touched: `ax.figure.savefig(...)` saves,
and `ax=plt.gca()` draws into pyplot's current figure.
"""

from kernel_ot.plots._axes import COLOURS as COLOURS
from kernel_ot.plots._components import (
    clouds,
    principal_components,
    principal_plane as principal_plane,
)
from kernel_ot.plots._convergence import convergence
from kernel_ot.plots._features import marginals, shifts
from kernel_ot.plots._heat_map import heat_map as heat_map
from kernel_ot.plots._potentials import potential, transport_map
from kernel_ot.plots._selection import selection

__all__ = [
    "clouds",
    "convergence",
    "marginals",
    "potential",
    "principal_components",
    "selection",
    "shifts",
    "transport_map",
]
