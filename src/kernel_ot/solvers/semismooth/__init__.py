"""The specialised semismooth Newton method."""
