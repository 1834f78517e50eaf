"""The command `kernel-ot`.

Nothing here is public.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the entry point of `kernel-ot`.

    Exits with 0 when done, 1 on a failure, 2 on a wrong call, 130 when interrupted.
    """
    try:
        try:
            from kernel_ot.cli._app import app
        except ImportError as error:
            sys.exit(f"kernel-ot: error: {error}; install it with: pip install --upgrade kernel-ot")
        app(prog_name="kernel-ot")  # by this name the shell completes it, also after `python -m`
    except KeyboardInterrupt:  # importing and reading the call take a moment too
        sys.exit(130)
