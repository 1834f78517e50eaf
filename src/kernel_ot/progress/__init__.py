"""Progress bars on standard error for whoever fits or maps at the edge."""

from kernel_ot.progress._bars import count_progress, fit_goal, fit_progress, map_with_progress

__all__ = ["count_progress", "fit_goal", "fit_progress", "map_with_progress"]
