"""One page of HTML about a fitted model.

Nothing here is public.
"""

from kernel_ot.report._page import write_report as write_report
