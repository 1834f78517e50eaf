"""Defences: on pixels, in training, and filters by each detector."""

from poisoning_study.defences._defences import DEFENCES, Defence

__all__ = ["DEFENCES", "Defence"]
