"""
Training with JAX: a distribution recovered by its loss
=======================================================

The divergence between the points that a model makes and the points that it should make is a loss.
Here the model is a linear map with an offset, and the right answer is known.
"""

# %%
# The target is what a known matrix makes of a cloud. The model starts at the identity.

import jax

jax.config.update("jax_enable_x64", True)  # before any array is made

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import kernel_ot

rng = np.random.default_rng(0)
true_matrix, true_offset = np.array([[1.5, 0.5], [0.5, 0.7]]), np.array([2.0, 0.5])
points = jnp.asarray(rng.normal(size=(100, 2)))
target = jnp.asarray(rng.normal(size=(100, 2)) @ true_matrix + true_offset)

# %%
# Settings are chosen once. If each step chose anew, each step would measure something else.

settings = kernel_ot.DivergenceSettings.from_samples(points, target)


@jax.jit
def loss_and_gradient(parameters):
    """Return the divergence of the model's points to the target, and its gradient."""

    def loss(parameters):
        made = points @ parameters["matrix"] + parameters["offset"]
        return kernel_ot.divergence(made, target, settings=settings).value

    return jax.value_and_grad(loss)(parameters)


parameters = {"matrix": jnp.eye(2), "offset": jnp.zeros(2)}
losses, clouds = [], {}
for step in range(61):
    value, gradient = loss_and_gradient(parameters)
    losses.append(float(value))
    if step in (0, 10, 60):
        clouds[step] = np.asarray(points @ parameters["matrix"] + parameters["offset"])
    parameters = jax.tree.map(lambda p, g: p - 0.4 * g, parameters, gradient)

# %%
# Any optimiser of optax would do; plain gradient steps are enough here.

figure, axes = plt.subplots(1, 4, figsize=(12, 3.2), layout="constrained")
axes[0].semilogy(losses, color="#009E73")
axes[0].set(xlabel="step", ylabel="divergence")
for ax, (step, cloud) in zip(axes[1:], clouds.items(), strict=True):
    ax.plot(*target.T, ".", color="#E69F00", markersize=4, label="target")
    ax.plot(*cloud.T, ".", color="#009E73", markersize=4, label="model")
    ax.set(title=f"step {step}", xlim=(-4, 7), ylim=(-4, 5))
axes[1].legend()
plt.show()

# %%
# A loss between distributions cannot see that a round cloud was turned first, so the matrix is
# compared by the covariance that it makes. What is left is the sampling error of a hundred points.

matrix = np.asarray(parameters["matrix"])
print("covariance", (matrix.T @ matrix).round(2).tolist())
print("truth     ", (true_matrix.T @ true_matrix).round(2).tolist())
print("offset    ", np.asarray(parameters["offset"]).round(2).tolist())
print("truth     ", true_offset.tolist())
