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


#: What PyTorch, oneDNN and MKL ask when they are loaded: which instructions to use at most.
_INSTRUCTIONS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
#: For every run: what processors of the last ten years share, so that they all round alike.
_SHARED = dict(zip(_INSTRUCTIONS, ("avx2", "AVX2", "AVX2"), strict=True))
#: For replicates: what every x86-64 processor has.
_BASELINE = dict(zip(_INSTRUCTIONS, ("default", "SSE41", "SSE4_2"), strict=True))


def require_torch() -> None:
    """Import torch on one thread with the shared instructions, or say what to install.

    Instructions that the environment names already stay. Where torch was imported before, they
    stay as they were then. Processes that are started later inherit them.

    Raises
    ------
    StudyError
        torch or MONAI cannot be found.
    """
    for package in ("torch", "monai"):
        if importlib.util.find_spec(package) is None:
            raise StudyError(f"The study needs {package}, which is not installed. {_INSTALL}")
    for name, value in _SHARED.items():
        os.environ.setdefault(name, value)
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
ARITHMETIC = ("default", "two-threads", "plain-kernels", "baseline")
_T = TypeVar("_T")


def with_baseline(function: Callable[..., _T], *arguments: object) -> _T:
    """Return `function(*arguments)`, computed in a new process without AVX instructions.

    Libraries choose their instructions when they are loaded. Function, arguments and result have
    to be picklable.
    """
    before = {name: os.environ.get(name) for name in _INSTRUCTIONS}
    os.environ.update(_BASELINE)
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
