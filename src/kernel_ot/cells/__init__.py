"""Screens of single cells: one AnnData with a control and many conditions, one map for each."""

from kernel_ot.cells._align import align
from kernel_ot.cells._fit import fit_conditions
from kernel_ot.cells._maps import ConditionMaps
from kernel_ot.cells._report import write_screen

__all__ = ["ConditionMaps", "align", "fit_conditions", "write_screen"]
