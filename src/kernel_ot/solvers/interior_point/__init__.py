"""The interior point methods: one predictor-corrector, two forms."""
