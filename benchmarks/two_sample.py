"""Level and power of two-sample tests: `python -m benchmarks.two_sample --out level-and-power.csv`.

All permutation tests see the same permutations. Beside `kernel_ot.two_sample_test`: the maximum
mean discrepancy with a Gaussian kernel at the median distance, the same over three bandwidths
combined as in ours, the energy distance, the sliced Wasserstein-1 distance, and a classifier test
(logistic regression on coordinates and squares, half of the points held out, its accuracy against
the binomial distribution). `--peers` compares our energy and discrepancy with dcor's and hyppo's.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from scipy.spatial.distance import cdist, pdist
from scipy.stats import binomtest, kstest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from benchmarks._tables import write_table
from kernel_ot import two_sample_test
from kernel_ot._arrays import Array
from kernel_ot.distances import energy_distance, mmd_test, squared_mmd
from kernel_ot.kernels import Gaussian

Rng: TypeAlias = np.random.Generator
OURS = "kernel-ot"
_PROJECTIONS = 50


# Differences become smaller with more points, so that tests can be told apart.
def _strength(x: Array) -> float:
    return float(np.sqrt(100 / len(x)))


def shift(rng: Rng, x: Array, y: Array) -> tuple[Array, Array]:
    y[:, 0] += 0.4 * _strength(x)
    return x, y


def scaling(rng: Rng, x: Array, y: Array) -> tuple[Array, Array]:
    return x, y * (1 + 0.4 * _strength(x) / np.sqrt(x.shape[1]))


def tails(rng: Rng, x: Array, y: Array) -> tuple[Array, Array]:
    heavy = y / np.sqrt(rng.chisquare(3, size=y.shape))
    return x, np.where(rng.uniform(size=(len(y), 1)) < min(1.0, _strength(x)), heavy, y)


def rotation(rng: Rng, x: Array, y: Array) -> tuple[Array, Array]:
    x[:, 0] *= 3
    y[:, 0] *= 3
    angle = 0.3 * _strength(x)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    y[:, :2] = y[:, :2] @ turn
    return x, y


def bump(rng: Rng, x: Array, y: Array) -> tuple[Array, Array]:
    count = int(_strength(x) * len(y) / 6)
    y[:count] = 0.15 * rng.normal(size=(count, y.shape[1])) + 1 / np.sqrt(y.shape[1])
    return x, y


ALTERNATIVES: dict[str, Callable[[Rng, Array, Array], tuple[Array, Array]]] = {
    f.__name__: f for f in (shift, scaling, tails, rotation, bump)
}


def draw(kind: str, d: int, n: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng([d, n, seed])
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, d))
    return ALTERNATIVES[kind](rng, x, y) if kind in ALTERNATIVES else (x, y)


def _share(statistics: Array) -> float:
    return float(np.mean(statistics >= statistics[0] * (1 - 1e-12)))


def peers(x: Array, y: Array, count: int, seed: int) -> dict[str, float]:
    """Return the p-values of the other tests."""
    rng = np.random.default_rng(seed)
    pooled = np.concatenate([x, y])
    masses = np.concatenate([np.full(len(x), 1 / len(x)), np.full(len(y), -1 / len(y))])
    signs = np.stack([masses, *(rng.permutation(masses) for _ in range(count))], axis=1)
    distances, width = cdist(pooled, pooled), float(np.median(pdist(pooled)))

    def form(matrix: Array) -> Array:
        return np.asarray(np.sum(signs * (matrix @ signs), axis=0))

    forms = np.stack([form(np.exp(-((distances / width / h) ** 2) / 2)) for h in (0.25, 0.5, 1)])
    standard = (forms - forms.mean(axis=1, keepdims=True)) / forms.std(axis=1, keepdims=True)
    directions = rng.normal(size=(pooled.shape[1], _PROJECTIONS))
    sliced = np.zeros(count + 1)
    for projected in (pooled @ (directions / np.linalg.norm(directions, axis=0))).T:
        order = np.argsort(projected)
        sliced += np.abs(np.cumsum(signs[order], axis=0))[:-1].T @ np.diff(projected[order])
    return {
        "MMD, median": _share(forms[2]),
        "MMD, combined": _share(np.exp(standard).mean(axis=0)),
        "energy": _share(form(-distances)),
        "sliced Wasserstein": _share(sliced),
        "classifier": classifier_test(pooled, len(x), rng),
    }


def classifier_test(pooled: Array, n: int, rng: Rng) -> float:
    labels = np.arange(len(pooled)) < n
    order = rng.permutation(len(pooled))
    train, test = np.array_split(order, 2)
    if len(set(labels[train])) < 2:
        return 1.0
    squares = PolynomialFeatures(2, include_bias=False)
    model = make_pipeline(squares, StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    hits = model.fit(pooled[train], labels[train]).predict(pooled[test]) == labels[test]
    return float(binomtest(int(hits.sum()), len(test), 0.5, alternative="greater").pvalue)


def p_values(kind: str, d: int, n: int, seed: int, count: int) -> dict[str, float]:
    x, y = draw(kind, d, n, seed)
    ours = two_sample_test(x, y, n_permutations=count, random_state=seed).p_value
    return {OURS: ours} | peers(x, y, count, seed)


def power(
    cells: list[tuple[int, int]], repeats: int, count: int, budget: float
) -> Iterator[tuple[object, ...]]:
    """Yield the share of rejections at 5 % of each test, cell by cell within a budget."""
    began = time.process_time()
    for d, n in cells:
        for kind in ALTERNATIVES:
            if kind == "rotation" and d == 1:
                continue
            if time.process_time() - began > budget:
                print(f"left out for lack of time: {kind}, d = {d}, n = {n}", flush=True)
                continue
            found = [p_values(kind, d, n, seed, count) for seed in range(repeats)]
            for name in found[0]:
                rate = float(np.mean([p[name] <= 0.05 for p in found]))
                error = np.sqrt(max(rate * (1 - rate), 1 / repeats) / repeats)
                yield kind, d, n, repeats, name, round(rate, 3), round(float(error), 3)
            rates = {name: np.mean([p[name] <= 0.05 for p in found]) for name in found[0]}
            print(kind, d, n, {name: round(float(r), 2) for name, r in rates.items()}, flush=True)


def level(repeats: int, n: int, d: int, count: int) -> Iterator[tuple[object, ...]]:
    """Yield the shares of p-values below 1, 5 and 10 % of samples of one distribution."""
    found = np.array(
        [
            two_sample_test(
                *draw("none", d, n, seed), n_permutations=count, random_state=seed
            ).p_value
            for seed in range(repeats)
        ]
    )
    print(f"level: Kolmogorov-Smirnov against uniform p = {kstest(found, 'uniform').pvalue:.3f}")
    for nominal in (0.01, 0.05, 0.1):
        rate = float(np.mean(found <= nominal))
        error = float(np.sqrt(nominal * (1 - nominal) / repeats))
        yield f"none, level {nominal:g}", d, n, repeats, OURS, round(rate, 4), round(error, 4)


def compare_with_peers() -> None:
    """Print our energy distance and discrepancy beside dcor's and hyppo's."""
    import dcor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hyppo announces changes of the libraries that it uses
        from hyppo.ksample import MMD, Energy
    x, y = draw("shift", 3, 60, 0)
    print("energy distance:", energy_distance(x, y), "dcor:", dcor.energy_distance(x, y))
    width = float(np.median(pdist(np.concatenate([x, y]))))
    masses = np.full(60, 1 / 60), np.full(60, 1 / 60)
    ours: Any = squared_mmd(x, y, Gaussian(width), *masses)
    gram = np.exp(-(cdist(np.r_[x, y], np.r_[x, y]) ** 2) / (2 * width**2))
    signs = np.r_[masses[0], -masses[1]]
    print("squared MMD:", float(ours), "as a double sum:", signs @ gram @ signs)
    print("p-values: our MMD", mmd_test(x, y, 0, n_permutations=999)[1], end=", ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print("hyppo's MMD", MMD().test(x, y, reps=999, auto=False)[1], end=", ")
        print("hyppo's energy", Energy().test(x, y, reps=999, auto=False)[1], end=", ")
    print("two_sample_test", two_sample_test(x, y).p_value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dimensions", type=int, nargs="*", default=[1, 2, 10, 50])
    parser.add_argument("--sizes", type=int, nargs="*", default=[50, 200, 500])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--permutations", type=int, default=199)
    parser.add_argument("--level-repeats", type=int, default=1000)
    parser.add_argument("--budget", type=float, default=1e9, help="processor seconds for power")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    if options.peers:
        compare_with_peers()
    rows = list(level(options.level_repeats, 20, 2, options.permutations))
    for row in rows:
        print(*row)
    cells = [(d, 100) for d in options.dimensions] + [(5, n) for n in options.sizes]
    try:
        rows.extend(power(cells, options.repeats, options.permutations, options.budget))
    finally:
        if options.out is not None:
            write_table(
                options.out,
                "Share of rejections at 5 % of two-sample tests, and at other levels without "
                "a difference.",
                ("alternative", "dimension", "n", "repeats", "method", "rate", "standard_error"),
                rows,
                "kernel-ot numpy scipy scikit-learn",
            )


if __name__ == "__main__":
    main()
