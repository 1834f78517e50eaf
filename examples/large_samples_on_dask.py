"""Fit, certify and map samples that lie on a Dask cluster.

``python examples/large_samples_on_dask.py`` starts two worker processes on this machine;
``--scheduler tcp://HOST:8786`` takes the cluster that is there. Nothing else changes. Where the
samples are files, replace what makes ``x`` and ``y`` by ``dask.array.from_zarr("x.zarr")`` or
``dask.array.from_npy_stack("x")``, which all workers must be able to read.
"""

from __future__ import annotations

import argparse
import time

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster

from kernel_ot import KernelOT
from kernel_ot.estimator import certify
from kernel_ot.kernels import Gaussian


def fit_one(reg_potential: float, x: da.Array, y: da.Array) -> tuple[float, float]:
    """Fit one setting, on the worker that is asked to; its passes run there, too."""
    with_settings = KernelOT(Gaussian(2.0), reg_potential=reg_potential)
    return reg_potential, with_settings.fit(x.compute(), y.compute()).certificate_.lower_bound


def run(client: Client, n: int, chunk: int) -> None:
    """Go through everything that a cluster takes part in."""
    random = da.random.default_rng(0)
    x = random.normal(size=(n, 3), chunks=(chunk, 3))
    before = random.normal(size=(n, 3), chunks=(chunk, 3))
    y = before + da.tanh(before)
    began = time.perf_counter()
    model = KernelOT(Gaussian(2.0), reg_potential=1e-3).fit(x, y)
    print(f"fit of {n} points a sample: {time.perf_counter() - began:.1f} s; {model.certificate_}")
    began = time.perf_counter()
    print(f"all pairs of a part: {certify(model, x[:20_000], y[:20_000], progress=False)}")
    print(f"  {time.perf_counter() - began:.1f} s")
    images = model.transform(x)  # lazy: nothing is computed yet
    missed = da.mean(da.sum((images - x - da.tanh(x)) ** 2, axis=1)).compute()
    print(f"mean squared error of the map over all points: {float(missed):.2e}")
    futures = client.map(fit_one, [1e-2, 1e-3], x=x[:8000], y=y[:8000], pure=False)
    for reg_potential, bound in client.gather(futures):
        print(f"lambda_2 = {reg_potential:g}: cost >= {bound:.5f}")


def main() -> None:
    """Start or find the cluster."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scheduler", help="its address; two local processes if not given")
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--chunk", type=int, default=25_000)
    arguments = parser.parse_args()
    np.set_printoptions(precision=3)
    if arguments.scheduler:
        with Client(arguments.scheduler) as client:
            run(client, arguments.points, arguments.chunk)
        return
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        run(client, arguments.points, arguments.chunk)


if __name__ == "__main__":
    main()
