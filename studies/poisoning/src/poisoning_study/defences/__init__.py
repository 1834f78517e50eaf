"""Cheap defences on pixels: JPEG, grey, blur, cutout."""

from poisoning_study.defences._defences import DEFENCES, Defence

__all__ = ["DEFENCES", "Defence"]
