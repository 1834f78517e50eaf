"""What a fitted model says about itself: a verdict, cautions, numbers and what they mean."""

from kernel_ot.diagnostics._cautions import Caution, CautionWarning, cautions, outlier_caution
from kernel_ot.diagnostics._diagnose import diagnose, fresh_samples
from kernel_ot.diagnostics._diagnostics import Diagnostics, Number
from kernel_ot.diagnostics._glossary import GLOSSARY, WORDS, Term
from kernel_ot.diagnostics._transport import ComparedSettings, FittedTransport, WholeSamples
from kernel_ot.diagnostics._verdict import (
    Gain,
    Verdict,
    cross_verdict,
    energy_gain,
    kept_out_verdict,
)

__all__ = [
    "GLOSSARY",
    "WORDS",
    "Caution",
    "CautionWarning",
    "ComparedSettings",
    "Diagnostics",
    "FittedTransport",
    "Gain",
    "Number",
    "Term",
    "Verdict",
    "WholeSamples",
    "cautions",
    "cross_verdict",
    "diagnose",
    "energy_gain",
    "fresh_samples",
    "kept_out_verdict",
    "outlier_caution",
]
