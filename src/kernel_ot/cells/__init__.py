"""Screens of single cells: one AnnData with a control and many conditions, one map for each."""

from kernel_ot.cells._align import align
from kernel_ot.cells._fit import fit_conditions
from kernel_ot.cells._maps import ConditionMaps, HeldOut
from kernel_ot.cells._report import write_screen
from kernel_ot.cells._representation import Representation

__all__ = ["ConditionMaps", "HeldOut", "Representation", "align", "fit_conditions", "write_screen"]
