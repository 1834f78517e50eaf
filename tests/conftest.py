"""Beside the tests, so that pytest finds `helpers`; settings that all property tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from helpers import Backend, load_backend

# The same examples in every run, and no verdict on a machine's speed.
settings.register_profile("kernel-ot", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("kernel-ot")

# The tests compile much and compute little.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")


@pytest.fixture(params=["numpy", "jax"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Return each array library in turn; one that is missing fails in CI and skips elsewhere."""
    return load_backend(request.param)


@pytest.fixture(params=["numpy", "jax", "torch"])
def library(request: pytest.FixtureRequest) -> Backend:
    """Return each library whose arrays a divergence takes."""
    return load_backend(request.param)


@pytest.fixture
def jax_backend() -> Backend:
    """Return JAX, with float64."""
    return load_backend("jax")
