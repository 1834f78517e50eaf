"""The one device that networks and batches are on, chosen once a process."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from poisoning_study.errors import StudyError

#: What `--device` accepts; "auto" is CUDA where there is a device, else the processor.
DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> None:
    """Compute on `name`, one of `DEVICES`, from here on in this process.

    Raises
    ------
    StudyError
        Another name, or "cuda" where torch finds no device.
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
    _device = torch.device("cuda" if name != "cpu" and present else "cpu")


def device() -> torch.device:
    """Return the device of this process: the processor until another is chosen."""
    return _device


def mixed_precision() -> AbstractContextManager[object]:
    """Return the precision of a training step: bfloat16 where it is safe on CUDA, else as it is.

    bfloat16 has the range of float32, so losses need no scaling. Passes without gradients
    (accuracies, features, the finished poisons) stay in float32 everywhere.
    """
    if _device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def key_suffix() -> tuple[str, ...]:
    """Return what the device adds to the keys of jobs: nothing on the processor."""
    return () if _device.type == "cpu" else (f"{_device.type}, bfloat16 steps",)


_device = torch.device("cpu")
