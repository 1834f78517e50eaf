"""What has to happen around PyTorch's import."""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import multiprocessing.util
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

from poisoning_study.errors import StudyError

if TYPE_CHECKING:
    import torch

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
    """Return `function(*arguments)`, computed in another process without AVX instructions.

    Libraries choose their instructions when they are loaded. The process is kept for further
    calls. Function, arguments and result have to be picklable.
    """
    global _baseline
    if _baseline is None:
        context = multiprocessing.get_context("spawn")
        _baseline = ProcessPoolExecutor(1, context, end_with_parent)
        # A worker that ends waits for its own processes before the executor would end them, and
        # closes the executor's queues (priority 10) even before.
        multiprocessing.util.Finalize(None, _baseline.shutdown, exitpriority=20)
    try:
        # The first call starts the process, which inherits the environment of that moment.
        with _environment(_BASELINE):
            found = _baseline.submit(function, *arguments)
        return found.result()
    except BrokenProcessPool:
        _baseline = None
        raise


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def end_with_parent() -> None:
    """Let this process end when the one that started it is killed; it would wait for ever."""
    # Ctrl-C reaches the whole process group; only the first parent should answer it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


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


# The process of `with_baseline`, once there is one.
_baseline: ProcessPoolExecutor | None = None
# Torch forgets a library's operators when its object is collected.
_library: torch.library.Library | None = None
