"""Many settings fitted on a cluster of two worker processes, one of which dies on the way.

In a process of its own: a cluster that ends writes to the log of whoever started it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import run_on_cluster

pytest.importorskip("distributed")

from kernel_ot import KernelOT, KernelOTCV

_ON_CLUSTER = '''
import json, os, sys, threading, time
from pathlib import Path

import joblib
import numpy as np
from distributed import Client, LocalCluster, get_task_stream

from kernel_ot import KernelOT, KernelOTCV


def arm(marker):
    """The first worker process that walks a path of settings dies of it."""
    from kernel_ot.selection import _paths

    walk = _paths.walk_path

    def deadly(*arguments):
        if not Path(marker).exists():
            Path(marker).touch()
            os._exit(1)
        return walk(*arguments)

    _paths.walk_path = deadly


def arm_the_cluster(marker):
    """A worker that walks a path says so, and then takes its time."""
    from kernel_ot.selection import _paths

    def slow(*arguments):
        Path(marker).touch()
        time.sleep(60)

    _paths.walk_path = slow


def close(cluster, marker):
    while not marker.exists():
        time.sleep(0.05)
    cluster.close()


if __name__ == "__main__":
    folder, grid = Path(sys.argv[1]), json.loads(sys.argv[2])
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        client.wait_for_workers(2)
        client.run(arm, str(folder / "died"))
        with get_task_stream(client) as ran:
            search = KernelOTCV(**grid, n_jobs=-1).fit(x, y)
        model = KernelOT(n_jobs=-1).fit(x, y)
        before = dict(search.__dict__)
        client.wait_for_workers(2)
        client.run(arm_the_cluster, str(folder / "walking"))
        closing = threading.Thread(target=close, args=(cluster, folder / "walking"))
        closing.start()
        try:
            search.fit(x, y)
            after = "fitted"
        except RuntimeError as error:
            after = str(error)
        closing.join()
    print(json.dumps({
        "died": (folder / "died").exists(), "tasks": len(ran.data),
        "scores": search.cv_results_["mean_test_semi_dual"].tolist(),
        "best": search.best_index_, "cost": search.best_estimator_.cost_,
        "after": after, "as_before": search.__dict__ == before,
        "alone": model.cost_, "candidates": [c.semi_dual for c in model.candidates_],
    }))
'''


def test_settings_fitted_on_a_cluster_are_those_of_one_process_though_a_worker_dies(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    y = rng.normal(size=(120, 2))
    y += np.tanh(y) + 1
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    grid: dict[str, Any] = {"kernels": [0.7, 1.0], "reg_potentials": [1e-1, 1e-2, 1e-3], "cv": 3}
    found = run_on_cluster(_ON_CLUSTER, tmp_path, json.dumps(grid))
    assert found["died"]
    assert "The Dask cluster went away during the search" in found["after"]
    assert found["as_before"]
    assert found["tasks"] >= 6  # a kernel on a fold is one
    search = KernelOTCV(**grid).fit(x, y)
    np.testing.assert_allclose(found["scores"], search.cv_results_["mean_test_semi_dual"])
    assert found["best"] == search.best_index_
    assert found["cost"] == pytest.approx(search.best_estimator_.cost_)
    alone = KernelOT().fit(x, y)
    assert found["alone"] == pytest.approx(alone.cost_)
    for there, candidate in zip(found["candidates"], alone.candidates_, strict=True):
        np.testing.assert_allclose(there, candidate.semi_dual)
