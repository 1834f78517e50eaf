"""The main job on real input: colours of one photograph transported onto another's.

Nothing here is public.
"""

from kernel_ot.demo._colour_transfer import (
    ColourTransfer as ColourTransfer,
    colour_transfer as colour_transfer,
)
from kernel_ot.demo._pictures import (
    read_pictures as read_pictures,
    sample_pictures as sample_pictures,
)
