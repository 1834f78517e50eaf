"""Progress bars on standard error for whoever fits or maps at the edge."""

from kernel_ot.progress._bars import fit_goal, fit_progress, map_with_progress

__all__ = ["fit_goal", "fit_progress", "map_with_progress"]
