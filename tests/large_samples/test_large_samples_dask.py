"""Fits on a cluster of two worker processes, one of which dies on the way.

In a process of its own: a cluster that ends writes to the log of whoever started it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers import run_on_cluster

pytest.importorskip("distributed")

from kernel_ot import KernelOT
from kernel_ot.estimator import certify
from kernel_ot.kernels import Gaussian

_ON_CLUSTER = '''
import json, os, sys
from pathlib import Path

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, get_task_stream

from kernel_ot import KernelOT
from kernel_ot.estimator import certify
from kernel_ot.kernels import Gaussian


def deadly(block, marker):
    """The first worker process that computes a block dies of it."""
    if len(block) and not Path(marker).exists():
        Path(marker).touch()
        os._exit(1)
    return block


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        on_x = da.from_array(x, chunks=(900, 2)).map_blocks(
            deadly, str(folder / "died"), dtype=x.dtype, meta=np.empty((0, 2))
        )
        on_y = da.from_array(y, chunks=(1100, 2))
        model = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(on_x, on_y)
        bound = certify(model, on_x, on_y, progress=False).lower_bound
        images = model.transform(on_x)[:50].compute()
        with get_task_stream(client) as ran:
            chosen = KernelOT(reg_potential=1e-2).fit(x, y)
        paths = [task["worker"] for task in ran.data if "walked" in str(task["key"])]
        lost = on_y.persist()
    try:
        KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(lost, lost)
        after = "fitted"
    except RuntimeError as error:
        after = str(error)
    print(json.dumps({"cost": model.cost_, "bound": bound, "images": images.tolist(),
                      "died": (folder / "died").exists(), "after": after,
                      "paths": len(paths), "scores": [c.semi_dual for c in chosen.candidates_],
                      "chosen": chosen.cost_}))
'''


def test_a_cluster_gives_the_same_fit_though_a_worker_dies(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(5200, 2)), 1.5 * rng.normal(size=(5200, 2)) + 1
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    found = run_on_cluster(_ON_CLUSTER, tmp_path)
    assert found["died"]
    assert "The Dask cluster went away during a draw from x" in found["after"]
    here = KernelOT(Gaussian(2.0), reg_potential=1e-2).fit(x, y)
    assert found["cost"] == pytest.approx(here.cost_, rel=1e-9)
    assert found["bound"] == pytest.approx(certify(here, x, y, progress=False).lower_bound)
    np.testing.assert_allclose(found["images"], here.transform(x[:50]), atol=1e-7)
    # Kernels are compared on the workers, with the result that they have here.
    alone = KernelOT(reg_potential=1e-2).fit(x, y)
    assert found["paths"] == 2
    assert found["chosen"] == pytest.approx(alone.cost_, rel=1e-6)
    for there, score in zip(found["scores"], alone.candidates_, strict=True):
        np.testing.assert_allclose(there, score.semi_dual, rtol=1e-6)
