"""`python -m poisoning_study`."""

from poisoning_study.cli import main

raise SystemExit(main())
