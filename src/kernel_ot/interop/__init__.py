"""Our potentials and results as OTT-JAX's and POT's objects, and POT's duals as potentials."""

from kernel_ot.interop._discrete import DiscreteCTransform as DiscreteCTransform
from kernel_ot.interop._ott import to_ott
from kernel_ot.interop._pot import from_dual_values, from_pot_result, to_pot_result
from kernel_ot.interop._units import Metric as Metric

__all__ = ["from_dual_values", "from_pot_result", "to_ott", "to_pot_result"]
