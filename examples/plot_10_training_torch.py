"""
Training with PyTorch: a small generator
========================================

A network turns noise into points. The loss is how far its points are from the data, as a whole: no
adversary, no likelihood.
"""

# %%
# The data lie on a ring with a gap. The network has two hidden layers.

import matplotlib.pyplot as plt
import numpy as np
import torch

from kernel_ot.interop.torch import DivergenceLoss

rng = np.random.default_rng(0)
torch.manual_seed(0)


def ring(n):
    """Return n points of a ring that is open to the right."""
    angle = rng.uniform(0.6, 2 * np.pi - 0.6, n)
    points = 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return torch.tensor(points + 0.15 * rng.normal(size=(n, 2)), dtype=torch.float32)


network = torch.nn.Sequential(
    *(torch.nn.Linear(2, 48), torch.nn.Tanh()),
    *(torch.nn.Linear(48, 48), torch.nn.Tanh()),
    torch.nn.Linear(48, 2),
)
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
loss = DivergenceLoss()  # chooses its settings from the first batch, and keeps them

# %%
# A loop as any other. Each step sees a fresh batch of data and of noise.

values, pictures = [], {}
for step in range(121):
    optimizer.zero_grad()
    value = loss(network(torch.randn(100, 2)), ring(100))
    value.backward()
    optimizer.step()
    values.append(value.item())
    if step in (0, 40, 120):
        with torch.no_grad():
            pictures[step] = network(torch.randn(500, 2)).numpy()

figure, axes = plt.subplots(1, 4, figsize=(12, 3.2), layout="constrained")
axes[0].semilogy(values, color="#009E73", linewidth=0.8)
axes[0].set(xlabel="step", ylabel="divergence of the batches")
data = ring(500)
for ax, (step, made) in zip(axes[1:], pictures.items(), strict=True):
    ax.plot(*data.T, ".", color="#E69F00", markersize=3, label="data")
    ax.plot(*made.T, ".", color="#009E73", markersize=3, label="made")
    ax.set(title=f"step {step}", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), aspect="equal")
axes[1].legend()
plt.show()

# %%
# Batches of a hundred points of the *same* ring have a divergence too, that of two samples. The
# loss cannot fall below it:

floor = np.mean([loss(ring(100), ring(100)).item() for _ in range(10)])
print(f"last losses {np.mean(values[-20:]):.4f}, two batches of data {floor:.4f}")
