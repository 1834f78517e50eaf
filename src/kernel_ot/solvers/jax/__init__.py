"""Solving inside of traced JAX code: loop, derivatives, batches.

Nothing here is public.
"""
