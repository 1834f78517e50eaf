"""The literature's methods, each as published.

Nothing here is public.
"""
