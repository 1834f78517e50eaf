"""Kernel-based optimal transport: cost, potentials and maps from two samples."""

from kernel_ot._version import __version__

__all__ = ["__version__"]
