"""The interior point methods: one predictor-corrector, two forms.

Nothing here is public.
"""
