"""A classifier moved to another domain: transports in POT's and skada's conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_ot.domain_adaptation._transport import DomainTransport

if TYPE_CHECKING:
    from kernel_ot.domain_adaptation._skada import KernelOTMappingAdapter

__all__ = ["DomainTransport", "KernelOTMappingAdapter"]


def __getattr__(name: str) -> object:
    if name == "KernelOTMappingAdapter":  # its base class is skada's, which is imported then
        from kernel_ot.domain_adaptation._skada import KernelOTMappingAdapter

        return KernelOTMappingAdapter
    raise AttributeError(f"module 'kernel_ot.domain_adaptation' has no attribute {name!r}")
