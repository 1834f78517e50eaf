"""
Colours of one photograph in another
====================================

A photograph is a cloud of colours: one point for each pixel, with red, green and blue as
coordinates. The map between two clouds redraws one photograph in the mood of the other.
"""

# %%
# Download this page's script and give it two pictures of your own:
#
# .. code-block:: bash
#
#    python plot_02_colour_transfer.py holiday.jpg painting.jpg
#
# Without them it takes two photographs that ship inside scikit-learn (china by danielbuechele,
# flower by vultilion, both from Flickr under a Creative Commons attribution licence).

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageOps
from scipy.ndimage import uniform_filter
from sklearn.datasets import load_sample_image

from kernel_ot import KernelOT


def read_picture(file, longest=800):
    """Return the red, green and blue of a file, between 0 and 1, the right way up and not large."""
    picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    picture.thumbnail((longest, longest))
    return np.asarray(picture) / 255


if len(sys.argv) == 3:
    first_name, second_name = (Path(file).stem for file in sys.argv[1:])
    first, second = (read_picture(file) for file in sys.argv[1:])
else:
    first_name, second_name = "china", "flower"
    first, second = (load_sample_image(f"{n}.jpg")[::2, ::2] / 255 for n in ("china", "flower"))
x, y = first.reshape(-1, 3), second.reshape(-1, 3)

# %%
# Some hundred pixels of each are enough to learn the map. It then applies to all of them, and back.

rng = np.random.default_rng(0)
model = KernelOT().fit(rng.choice(x, 1000), rng.choice(y, 1000))
first_mapped = model.transform(x).reshape(first.shape)
second_mapped = model.inverse_transform(y).reshape(second.shape)

# %%
# A steep map magnifies the grain of a photograph, and the blocks that compression has left in a
# flat sky. So it is not the picture that is smoothed but what each pixel is *moved by*: in every
# small window that becomes an affine function of the picture's brightness, which keeps every edge
# (the guided filter of He, Sun and Tang, 2013).


def without_grain(picture, mapped, width=9, contrast=0.03):
    """Return the picture moved by a displacement of its colours that is smooth where it is."""

    def window_mean(values):
        return uniform_filter(values, (width, width, 0))

    brightness, shift = picture.mean(axis=2, keepdims=True), mapped - picture
    mean, mean_shift = window_mean(brightness), window_mean(shift)
    variance = window_mean(brightness**2) - mean**2
    slope = (window_mean(brightness * shift) - mean * mean_shift) / (variance + contrast**2)
    smooth_shift = window_mean(slope) * brightness + window_mean(mean_shift - slope * mean)
    return (picture + smooth_shift).clip(0, 1)


pictures = {
    first_name: first,
    f"{first_name} in the colours of {second_name}": without_grain(first, first_mapped.clip(0, 1)),
    second_name: second,
    f"{second_name} in the colours of {first_name}": without_grain(
        second, second_mapped.clip(0, 1)
    ),
}
figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), layout="constrained")
for ax, (title, picture) in zip(axes.flat, pictures.items(), strict=True):
    ax.imshow(picture)
    ax.set_title(title)
    ax.set_axis_off()
# sphinx_gallery_thumbnail_number = 1
plt.show()

# %%
# The clouds
# ----------
#
# What the map has done, seen in the plane of red and blue: the images of the first picture's pixels
# (right) lie where the second picture's pixels lie (middle).

mapped_name = f"{first_name}, mapped"
clouds = {first_name: x, second_name: y, mapped_name: first_mapped.reshape(-1, 3).clip(0, 1)}
figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharex=True, sharey=True, layout="constrained")
for ax, (title, cloud) in zip(axes, clouds.items(), strict=True):
    shown = rng.choice(cloud, 1500)
    ax.scatter(shown[:, 0], shown[:, 2], 6, c=shown)
    ax.set(title=title, xlabel="red", facecolor="#dddddd")
axes[0].set_ylabel("blue")
plt.show()

# %%
# To write the pictures to files, in their full size and with figures of how close the colours come:
# ``kernel-ot transfer holiday.jpg painting.jpg --out folder``, on the page about
# :doc:`colour transfer <../guide/colour_transfer>`.
