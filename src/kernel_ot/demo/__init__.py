"""The main job on real input: colours of one photograph transported onto another's."""

from kernel_ot.demo._colour_transfer import ColourTransfer, colour_transfer
from kernel_ot.demo._pictures import read_pictures, sample_pictures

__all__ = ["ColourTransfer", "colour_transfer", "read_pictures", "sample_pictures"]
