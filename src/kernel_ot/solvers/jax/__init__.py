"""Solving inside of traced JAX code: loop, derivatives, batches."""
