"""The one device that networks and batches are on, and the precision that they have there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor

from poisoning_study.errors import StudyError

#: What `--device` accepts; "auto" is CUDA where there is a device, else the processor.
DEVICES = ("auto", "cpu", "cuda")
#: What `precision` of a study may be: everything that is trained or crafted in float32 or float64.
PRECISIONS = ("single", "double")


def choose_device(name: str, precision: str = "single") -> None:
    """Compute on `name`, one of `DEVICES`, from here on in this process.

    A study in double precision stays on the processor where it may choose: CUDA's training steps
    are in mixed precision.

    Raises
    ------
    StudyError
        Another name, "cuda" where torch finds no device, or "cuda" in double precision.
    """
    global _device
    if name not in DEVICES:
        raise StudyError(f"--device must be one of {', '.join(DEVICES)}, not {name!r}.")
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        reason = (
            "this torch was built without CUDA"
            if torch.version.cuda is None
            else f"torch was built for CUDA {torch.version.cuda} and finds no device"
        )
        raise StudyError(
            f"--device cuda was asked for, but {reason} (torch {torch.__version__}). Use --device "
            "cpu, or install a torch with CUDA on a machine that has a device."
        )
    if name == "cuda" and precision == "double":
        raise StudyError(_EXCLUDED)
    on_cuda = present and name != "cpu" and precision == "single"
    _device = torch.device("cuda" if on_cuda else "cpu")


def device() -> torch.device:
    """Return the device of this process: the processor until another is chosen."""
    return _device


def mixed_precision() -> AbstractContextManager[object]:
    """Return the precision of a training step: bfloat16 where it is safe on CUDA, else as it is.

    bfloat16 has the range of float32, so losses need no scaling. Passes without gradients
    (accuracies, features, the finished poisons) stay in float32 there.
    """
    if _device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def unmixed(tensor: Tensor) -> Tensor:
    """Return what a step in mixed precision gave, in the precision of this process."""
    return tensor.to(torch.get_default_dtype())


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Build, train and apply networks in float32 ("single") or float64 ("double").

    Training amplifies rounding: in float32 accuracies depend on the order of sums, and so on the
    machine; in float64 what is left of it is too small to move one, but in adversarial games of
    more than about a hundred steps.

    Raises
    ------
    StudyError
        Double precision on CUDA.
    """
    if name == "double" and _device.type == "cuda":
        raise StudyError(_EXCLUDED)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if name == "double" else torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def key_suffix() -> tuple[str, ...]:
    """Return what the device adds to the keys of jobs: nothing on the processor."""
    return () if _device.type == "cpu" else (f"{_device.type}, bfloat16 steps",)


_EXCLUDED = (
    'precision = "double" and CUDA, whose training steps are in mixed precision, exclude each '
    'other. Use --device cpu, or set precision = "single" in study.toml.'
)
_device = torch.device("cpu")
