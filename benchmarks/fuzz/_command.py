"""The command `kernel-ot`, which says when it begins: for `benchmarks.fuzz._signals`."""

from __future__ import annotations

from kernel_ot.cli import main

if __name__ == "__main__":
    print("begins", flush=True)
    main()
