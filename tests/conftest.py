"""Beside the tests, so that pytest finds `helpers`; settings that all property tests share."""

from __future__ import annotations

from hypothesis import settings

# The same examples in every run, and no verdict on a machine's speed.
settings.register_profile("kernel-ot", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("kernel-ot")
