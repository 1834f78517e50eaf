"""`python -m benchmarks.solvers`."""

import sys

from benchmarks.solvers._main import main

sys.exit(main())
