"""Progress bars on standard error for whoever fits or maps at the edge.

Nothing here is public.
"""

from kernel_ot.progress._bars import (
    count_progress as count_progress,
    fit_goal as fit_goal,
    fit_progress as fit_progress,
    map_with_progress as map_with_progress,
)
