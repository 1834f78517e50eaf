"""The specialised semismooth Newton method.

Nothing here is public.
"""
