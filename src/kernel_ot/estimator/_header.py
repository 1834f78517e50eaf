"""What the header of a model's file says, and its values as plain JSON and back.

The types are what a whole file holds; whatever reads an entry checks it.
"""

from __future__ import annotations

import dataclasses
from typing import Literal, NotRequired, TypedDict

import numpy as np

from kernel_ot import kernels
from kernel_ot.kernels import Kernel

_KERNELS: dict[str, type[Kernel]] = {
    name: kind
    for name, kind in vars(kernels).items()
    if isinstance(kind, type) and issubclass(kind, Kernel) and kind is not Kernel
}


class SolutionEntry(TypedDict):
    """What the solver said; all that its point gives is computed again."""

    status: str
    objective: float
    cost: float
    iterations: int
    method: str
    seconds: float
    timings: dict[str, float]
    residual: float
    history: list[tuple[int, float, float, float]]


class GainEntry(TypedDict):
    """A gain of held-out points and its standard error."""

    value: float
    error: float


class VerdictEntry(TypedDict):
    """What held-out points said of the fit."""

    energy: GainEntry
    identity: GainEntry
    semi_dual: GainEntry | None
    n_x: int
    n_y: int
    fresh: bool


class CandidateEntry(TypedDict):
    """A setting that was compared."""

    bandwidth_factor: float
    reg_potential: float
    semi_dual: list[float]
    energy: list[float]
    kernel: object
    reg_sos: float
    rough: NotRequired[bool]


class RoundEntry(TypedDict):
    """A round of adaptive filling."""

    n_fill: int
    violation: float
    dual: float
    seconds: float


class CombinationEntry(TypedDict):
    """Weights of the potentials; of entropic ones and splines with what they are fitted with."""

    kernel: float
    gaussian: float
    entropic: list[tuple[float, float]]
    splines: NotRequired[list[tuple[float, float]]]


class CertificateEntry(TypedDict):
    """What passes over all points proved."""

    lower_bound: float
    largest_violation: float
    n_pairs: int
    kind: Literal["exact", "sampled"]
    n_rows: int
    violated_rows: int
    violated_share: float


class LargeEntry(TypedDict):
    """What is known of all points of a fit that keeps a part of them."""

    sizes: tuple[int, int]
    offset: float
    certificate: CertificateEntry


class Header(TypedDict):
    """The header; a kernel is its name and its fields."""

    format_version: int
    kernel_ot_version: str
    arrays: list[str]
    parameters: dict[str, object]
    filling: str | None
    random_state: int | None
    kernel: object
    reg_sos: float
    reg_potential: float
    scale: float
    feature_names: list[str]
    candidates: list[CandidateEntry]
    rounds: list[RoundEntry]
    solution: SolutionEntry
    # Of later formats.
    outliers: NotRequired[list[list[int]]]
    verdict: NotRequired[VerdictEntry | None]
    combination: NotRequired[CombinationEntry]
    entropic_parts: NotRequired[int]
    large: NotRequired[LargeEntry]


def decoded_kernel(entry: object) -> Kernel:
    """Return the kernel of an entry, or raise TypeError where it is another value."""
    kernel = decoded(entry)
    if not isinstance(kernel, Kernel):
        raise TypeError(f"its kernel is {kernel!r}")
    return kernel


def encoded(value: object) -> object:
    """Return plain JSON for a number, string, None, array or kernel."""
    if isinstance(value, Kernel):
        name = type(value).__name__
        if _KERNELS.get(name) is not type(value):
            raise ValueError(
                f"kernel = {value!r} cannot be saved: only kernels of kernel_ot.kernels can be."
            )
        return {"kernel": name, "fields": _fields(value)}
    if isinstance(value, tuple):
        return [encoded(entry) for entry in value]
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return value


def _fields(kernel: object) -> dict[str, object]:
    assert dataclasses.is_dataclass(kernel)  # as all of kernel_ot.kernels are
    return {
        field.name: encoded(getattr(kernel, field.name)) for field in dataclasses.fields(kernel)
    }


def decoded(value: object) -> object:
    """Return what `encoded` was given, arrays and lists as tuples; ValueError at other kernels."""
    if isinstance(value, list):
        return tuple(decoded(entry) for entry in value)
    if isinstance(value, dict):
        if value.get("kernel") not in _KERNELS:
            raise ValueError(f"The model uses the kernel {value.get('kernel')!r}, unknown here.")
        fields = {name: decoded(entry) for name, entry in value["fields"].items()}
        return _KERNELS[value["kernel"]](**fields)
    return value
