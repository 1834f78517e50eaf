"""What has to happen around PyTorch's import."""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

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
ARITHMETIC = ("default", "two-threads", "plain-kernels", "avx2")
#: Instructions are chosen when libraries are loaded, so a process of its own is needed.
_AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
_T = TypeVar("_T")


def with_avx2(function: Callable[..., _T], *arguments: object) -> _T:
    """Return `function(*arguments)`, computed in a new process without AVX-512.

    Function, arguments and result have to be picklable.
    """
    before = {name: os.environ.get(name) for name in _AVX2}
    os.environ.update(_AVX2)
    try:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, context) as pool:
            return pool.submit(function, *arguments).result()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def arithmetic(name: str) -> Iterator[None]:
    """Compute with two threads, torch's own kernels instead of oneDNN's, or as usual."""
    import torch

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
