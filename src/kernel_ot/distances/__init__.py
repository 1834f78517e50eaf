"""Distances and tests between two samples that need no transport: energy distance, MMD."""

from kernel_ot.distances._two_sample import energy_distance, mmd_test, squared_mmd as squared_mmd

__all__ = ["energy_distance", "mmd_test"]
