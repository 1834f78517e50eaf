"""
Colours of one photograph in another
====================================

A photograph is a cloud of colours: one point for each pixel, with red, green and blue as
coordinates. The map between two clouds redraws one photograph in the mood of the other.
"""

# %%
# The two photographs ship inside scikit-learn (china by danielbuechele, flower by vultilion, both
# from Flickr under a Creative Commons attribution licence). To use your own, read them with
# :func:`matplotlib.pyplot.imread`.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_sample_image

from kernel_ot import KernelOT

china = load_sample_image("china.jpg")[::2, ::2] / 255
flower = load_sample_image("flower.jpg")[::2, ::2] / 255
x, y = china.reshape(-1, 3), flower.reshape(-1, 3)

# %%
# Some hundred pixels of each are enough to learn the map. It then applies to all of them.

rng = np.random.default_rng(0)
model = KernelOT().fit(rng.choice(x, 600), rng.choice(y, 600))
china_as_flower = model.transform(x).reshape(china.shape)
flower_as_china = model.inverse_transform(y).reshape(flower.shape)

# %%
# A steep map magnifies the blocks that compression has left in a flat sky. What each pixel is
# *moved by* can be smoothed without losing any detail of the picture.


def without_blocks(picture, mapped):
    """Return the picture moved by a smooth displacement of its colours."""
    moved = gaussian_filter(mapped - picture, (2, 2, 0))
    return (picture + moved).clip(0, 1)


pictures = {
    "china": china,
    "china in the colours of the flower": without_blocks(china, china_as_flower),
    "flower": flower,
    "flower in the colours of china": without_blocks(flower, flower_as_china),
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
# What the map has done, seen in the plane of red and blue: the images of china's pixels (right)
# lie where the flower's pixels lie (middle).

shown = rng.choice(len(x), 1500)
figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharex=True, sharey=True, layout="constrained")
clouds = {"china": x, "flower": y, "china, mapped": china_as_flower.reshape(-1, 3).clip(0, 1)}
for ax, (title, cloud) in zip(axes, clouds.items(), strict=True):
    ax.scatter(cloud[shown, 0], cloud[shown, 2], 6, c=cloud[shown])
    ax.set(title=title, xlabel="red", facecolor="#dddddd")
axes[0].set_ylabel("blue")
plt.show()
