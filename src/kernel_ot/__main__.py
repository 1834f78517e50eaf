"""`python -m kernel_ot` is the command `kernel-ot`."""

from kernel_ot.cli import main

main()
