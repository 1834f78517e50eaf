"""Find the benchmarks, which are in a checkout but not in the installed package, and run them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import kernel_ot

_MODULE = "benchmarks.solvers"


def find_checkout() -> Path:
    """Return the root of the checkout that we are in, or else that is installed as editable.

    Raises
    ------
    FileNotFoundError
        There is none; says where to get one.
    """
    here = Path.cwd()
    installed = Path(kernel_ot.__file__).resolve().parents[2]
    for root in (here, *here.parents, installed):
        if (root / "benchmarks" / "solvers" / "__main__.py").exists():
            return root
    raise FileNotFoundError(
        "The benchmarks are not part of the installed package. Get kernel-ot's source, install "
        "it there with: pip install --editable '.[benchmark]', and run this command in it again."
    )


def in_checkout() -> bool:
    """Return whether there are benchmarks to run."""
    try:
        find_checkout()
    except FileNotFoundError:
        return False
    return True


def run_benchmark(arguments: Sequence[str]) -> int:
    """Run the benchmark of the solvers with its own command line and return its exit code."""
    paths = [str(find_checkout()), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    process = subprocess.Popen([sys.executable, "-m", _MODULE, *arguments], env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # It was interrupted as well, and writes what it has before it ends.
            continue
