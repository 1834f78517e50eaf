"""What has to happen around PyTorch's import."""

from __future__ import annotations

import contextlib
import importlib.util
import warnings
from collections.abc import Iterator
from typing import Any

from poisoning_study.errors import StudyError

_INSTALL = (
    "Install the study in one command, from the repository's root, or several gigabytes of CUDA "
    "packages arrive: pip install -e . -e studies/poisoning"
)


def require_torch() -> None:
    """Import torch on one thread, or say what to install.

    Raises
    ------
    StudyError
        torch or MONAI cannot be found.
    """
    for package in ("torch", "monai"):
        if importlib.util.find_spec(package) is None:
            raise StudyError(f"The study needs {package}, which is not installed. {_INSTALL}")
    import threadpoolctl
    import torch

    # Several runs share the processor; one thread each is faster than each taking all.
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)


def declare_torchvision_operators() -> None:
    """Let a torchvision without compiled operators be imported (timm needs only its Python part).

    Its import registers rules for `torchvision::nms`, which fails where the CPU build lacks it.
    """
    import torch

    if importlib.util.find_spec("torchvision") is None:
        return
    global _library
    if _library is None and not hasattr(torch.ops.torchvision, "nms"):
        _library = torch.library.Library("torchvision", "DEF")
        _library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


#: Ways to compute the same numbers that differ only in the order in which sums are taken.
ARITHMETIC = ("default", "two-threads", "plain-kernels")


@contextlib.contextmanager
def arithmetic(name: str) -> Iterator[None]:
    """Compute with one of `ARITHMETIC`: two threads, or torch's own kernels instead of oneDNN's."""
    import torch

    if name not in ARITHMETIC:
        raise StudyError(f"arithmetic must be one of {', '.join(ARITHMETIC)}, not {name!r}.")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2 if name == "two-threads" else before)
        if name != "plain-kernels":
            yield
            return
        with warnings.catch_warnings():
            # torch warns of TF32 on other devices whenever these flags are read.
            warnings.simplefilter("ignore", UserWarning)
            with torch.backends.mkldnn.flags(enabled=False):
                yield
    finally:
        torch.set_num_threads(before)


# Torch forgets a library's operators when its object is collected.
_library: Any = None
