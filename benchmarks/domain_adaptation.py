"""A classifier moved to another domain: KernelOT beside POT's and skada's methods.

``python -m benchmarks.domain_adaptation --out DATE-domain-adaptation.csv``: accuracy on fresh
target samples of a classifier (RBF SVM, or nearest neighbours among digits) that is trained on
moved source samples, mean over five seeds, and processor seconds of the adaptation.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, rotate
from sklearn.datasets import load_digits, make_moons
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from benchmarks._tables import mean_and_error
from kernel_ot._arrays import Array
from kernel_ot.domain_adaptation import DomainTransport

_SEEDS = range(5)
_FIELDS = ("data", "method", "accuracy", "standard_error", "seconds")


def moons(seed: int) -> tuple[Array, ...]:
    """Return source, its labels, target, fresh target and its labels: moons, turned."""
    angle = np.deg2rad(40)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source, labels = make_moons(200, noise=0.1, random_state=seed)
    target, _ = make_moons(200, noise=0.1, random_state=100 + seed)
    fresh, truth = make_moons(1000, noise=0.1, random_state=200 + seed)
    return source, labels, target @ turn.T, fresh @ turn.T, truth


def digits(seed: int) -> tuple[Array, ...]:
    """Return handwritten digits, and others turned, blurred and pale; 0 to 4 twice as frequent."""
    rng = np.random.default_rng(seed)
    images, labels = load_digits(return_X_y=True)
    order = rng.permutation(len(images))
    source, other = order[:600], order[600:]
    other = other[(labels[other] < 5) | (rng.random(len(other)) < 0.5)]
    turned = rotate(images[other].reshape(-1, 8, 8), 20, axes=(1, 2), reshape=False, order=1)
    changed = 0.6 * gaussian_filter(turned, (0, 0.5, 0.5)).reshape(-1, 64) + 2
    pca = PCA(15, random_state=seed).fit(np.concatenate([images[source], changed[:450]]))
    return (
        pca.transform(images[source]),
        labels[source],
        pca.transform(changed[:450]),
        pca.transform(changed[450:]),
        labels[other][450:],
    )


def _ours(classwise: bool) -> Callable[..., Array]:
    def moved(source: Array, labels: Array, target: Array) -> Array:
        transport = DomainTransport(classwise=classwise)
        return transport.fit(Xs=source, ys=labels, Xt=target).transform(Xs=source, ys=labels)

    return moved


def _pot(make: Callable[[], Any]) -> Callable[..., Array]:
    def moved(source: Array, labels: Array, target: Array) -> Array:
        found: Array = make().fit(Xs=source, ys=labels, Xt=target).transform(Xs=source)
        return found

    return moved


def _skada(make: Callable[[], Any]) -> Callable[..., Array]:
    def moved(source: Array, labels: Array, target: Array) -> Array:
        domain = np.repeat([1, -2], [len(source), len(target)])
        both = np.concatenate([source, target])
        known = np.concatenate([labels, np.full(len(target), -1)])
        found = make().fit_transform(both, known, sample_domain=domain)
        return np.asarray(found[0] if isinstance(found, tuple) else found)[: len(source)]

    return moved


def methods() -> Iterator[tuple[str, Callable[..., Array]]]:
    """Yield names and functions of source, its labels and target that return the moved source."""
    import ot
    import skada

    yield "source as it is", lambda source, labels, target: source
    yield "KernelOT", _ours(False)
    yield "KernelOT, class-wise", _ours(True)
    yield "POT, EMDTransport", _pot(ot.da.EMDTransport)
    yield "POT, SinkhornTransport", _pot(lambda: ot.da.SinkhornTransport(reg_e=0.1, norm="max"))
    yield (
        "POT, SinkhornLpl1Transport (labels)",
        _pot(lambda: ot.da.SinkhornLpl1Transport(reg_e=0.1, reg_cl=1.0, norm="max")),
    )
    yield "POT, LinearTransport", _pot(ot.da.LinearTransport)
    yield "skada, CORAL", _skada(lambda: skada.CORALAdapter(reg=0.1))
    yield "skada, OTMapping", _skada(skada.OTMappingAdapter)
    yield "skada, LinearOTMapping", _skada(skada.LinearOTMappingAdapter)
    yield (
        "skada, ClassRegularizerOTMapping (labels)",
        _skada(skada.ClassRegularizerOTMappingAdapter),
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    rows: list[dict[str, Any]] = []
    classifiers = {"moons": SVC, "digits": lambda: KNeighborsClassifier(5)}
    for name, make in (("moons", moons), ("digits", digits)):
        for method, move in methods():
            accuracies, seconds = [], 0.0
            for seed in _SEEDS:
                source, labels, target, fresh, truth = make(seed)
                began = time.process_time()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    moved = move(source, labels, target)
                seconds += (time.process_time() - began) / len(_SEEDS)
                accuracies.append(classifiers[name]().fit(moved, labels).score(fresh, truth))
            row = (name, method, *mean_and_error(accuracies), seconds)
            rows.append(dict(zip(_FIELDS, (*row[:2], *(f"{v:.3f}" for v in row[2:])), strict=True)))
            print(*rows[-1].values(), sep="\t", file=sys.stderr)
    with out.open("w", newline="") if out else sys.stdout as file:
        writer = csv.DictWriter(file, _FIELDS)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
