"""What a fitted model says about itself: a verdict, cautions, numbers and what they mean."""

from kernel_ot.diagnostics._cautions import cautions as cautions
from kernel_ot.diagnostics._diagnose import (
    cost_interval as cost_interval,
    diagnose as diagnose,
    fresh_samples as fresh_samples,
)
from kernel_ot.diagnostics._diagnostics import Diagnostics
from kernel_ot.diagnostics._glossary import GLOSSARY as GLOSSARY, WORDS as WORDS
from kernel_ot.diagnostics._inner import (
    inner_potentials as inner_potentials,
    semi_dual_gains as semi_dual_gains,
)
from kernel_ot.diagnostics._of_rows import (
    Caution,
    CautionWarning,
    outlier_caution as outlier_caution,
    sample_sizes as sample_sizes,
)
from kernel_ot.diagnostics._transport import (
    ComparedSettings as ComparedSettings,
    FittedTransport as FittedTransport,
)
from kernel_ot.diagnostics._verdict import (
    Gain as Gain,
    Verdict,
    cross_verdict as cross_verdict,
    energy_gain as energy_gain,
    kept_out_verdict as kept_out_verdict,
)

__all__ = ["Caution", "CautionWarning", "Diagnostics", "Verdict"]
