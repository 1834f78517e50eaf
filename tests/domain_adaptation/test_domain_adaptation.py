"""A classifier moved to another domain, in POT's and skada's conventions."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import ot
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

from kernel_ot import KernelOT
from kernel_ot._arrays import Array
from kernel_ot.domain_adaptation import DomainTransport
from kernel_ot.kernels import Gaussian

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of skada's imports
    import skada
    from skada.datasets import DomainAwareDataset, make_shifted_datasets
    from skada.metrics import PredictionEntropyScorer
    from skada.model_selection import SourceTargetShuffleSplit

    from kernel_ot.domain_adaptation import KernelOTMappingAdapter

FAST = KernelOT(kernel=Gaussian(1.5), reg_potential=1e-2)


def domains(seed: int = 0, n: int = 60) -> tuple[Array, Array, Array, Array]:
    """Return two classes, and the same turned and moved."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], n // 2)
    points = rng.normal(size=(n, 3)) + 4.0 * np.stack([labels, -labels, 0 * labels], axis=1)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    again = rng.normal(size=(n, 3)) + 4.0 * np.stack([labels, -labels, 0 * labels], axis=1)
    return points, labels, again @ (np.eye(3) + 0.3 * turn) + 3, labels


@pytest.mark.parametrize("classwise", [False, True])
def test_the_checks_that_pot_makes_of_its_transports(classwise: bool) -> None:
    """As POT's own tests of `LinearTransport` and `MappingTransport` do."""
    Xs, ys, Xt, yt = domains()
    transport = DomainTransport(FAST, classwise=classwise)
    assert transport.fit(Xs=Xs, ys=ys, Xt=Xt) is transport
    moved = transport.transform(Xs=Xs)
    assert moved.shape == Xs.shape
    new, new_labels, _, _ = domains(1)
    assert transport.transform(Xs=new).shape == new.shape
    assert transport.transform(Xs=new, ys=new_labels).shape == new.shape
    assert transport.inverse_transform(Xt=Xt).shape == Xt.shape
    np.testing.assert_allclose(transport.fit_transform(Xs=Xs, ys=ys, Xt=Xt), moved)
    np.testing.assert_allclose(moved.mean(axis=0), Xt.mean(axis=0), atol=0.2)
    linear = ot.da.LinearTransport().fit(Xs=Xs, Xt=Xt).transform(Xs=Xs)
    assert np.abs(moved - linear).mean() < 0.7  # nearly Gaussian domains
    assert clone(transport).get_params()["classwise"] is classwise
    semi = np.where(np.arange(len(yt)) % 3 == 0, yt, -1)
    assert transport.fit(Xs=Xs, ys=ys, Xt=Xt, yt=semi).transform(Xs=Xs).shape == Xs.shape


def test_five_lines_move_a_classifier() -> None:
    Xs, ys, Xt, yt = domains()
    before = SVC().fit(Xs, ys).score(Xt, yt)
    moved = DomainTransport(FAST).fit(Xs=Xs, ys=ys, Xt=Xt).transform(Xs=Xs)
    after = SVC().fit(moved, ys).score(Xt, yt)
    assert after > 0.95
    assert after > before


def test_class_wise_maps_bear_other_shares_of_the_classes() -> None:
    """A map of all sends an eighth of each class where the shares have moved; theirs does not."""
    rng = np.random.default_rng(0)
    ys, yt = np.repeat([0, 1], [60, 60]), np.repeat([0, 1], [100, 20])
    Xs, Xt = (rng.normal(size=(120, 2)) * 0.5 + 6.0 * y[:, None] for y in (ys, yt))
    Xt += [0.0, 2.0]
    with pytest.warns(UserWarning, match="cost"):  # one map of all classes says that it is none
        whole = DomainTransport(FAST).fit_transform(Xs=Xs, ys=ys, Xt=Xt)
    with pytest.warns(UserWarning, match="cost"):
        each = DomainTransport(FAST, classwise=True).fit(Xs=Xs, ys=ys, Xt=Xt, yt=yt)
    error = [
        np.abs(moved[ys == 1].mean(axis=0) - Xt[yt == 1].mean(axis=0)).max()
        for moved in (whole, each.transform(Xs=Xs))
    ]
    assert error[1] < 0.2 < error[0]
    assert each.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(each.target_labels_, yt)


def test_a_class_that_the_target_lacks_takes_the_map_of_all() -> None:
    Xs, ys, Xt, _ = domains()
    labels = ys.copy()
    labels[:1] = 2
    transport = DomainTransport(FAST, classwise=True).fit(Xs=Xs, ys=labels, Xt=Xt)
    assert 2 not in transport.classes_
    expected = transport.maps_[None].transform(Xs[:1])
    np.testing.assert_allclose(transport.transform(Xs=Xs)[:1], expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: DomainTransport().fit(Xs=s[0]), "Xs and Xt are both needed"),
        (lambda s: DomainTransport(FAST, True).fit(Xs=s[0], Xt=s[2]), "pass ys"),
        (lambda s: DomainTransport(FAST, True).fit(Xs=s[0], ys=s[1][:5], Xt=s[2]), r"\(60,\)"),
        (lambda s: DomainTransport(FAST).fit(Xs=s[0], Xt=s[2]).transform(Xt=s[2]), "Xs is needed"),
        (
            lambda s: DomainTransport(FAST).fit(Xs=s[0], Xt=s[2]).inverse_transform(Xs=s[0]),
            "Xt is needed",
        ),
    ],
)
def test_wrong_calls_say_what_is_needed(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(domains())


@pytest.fixture(scope="module")
def blobs() -> tuple[Array, Array, Array, Array]:
    centres = np.array([[0.0, 0.0], [4.0, 0.0]])
    source = make_blobs([20, 20], centers=centres, cluster_std=0.5, random_state=42)
    target = make_blobs([20, 20], centers=centres + 0.4, cluster_std=0.5, random_state=7)
    return (*source, *target)


@pytest.mark.parametrize("classwise", [False, True])
def test_the_checks_that_skada_makes_of_its_mappings(blobs: Any, classwise: bool) -> None:
    """`test_mapping_estimator` of skada's, with its threshold."""
    Xs, ys, Xt, yt = (array.copy() for array in blobs)
    Xs[:, 0] *= 2
    Xt[:, 1] *= 3
    data = DomainAwareDataset([(Xs, ys, "s"), (Xt, yt, "t")])
    X, y, domain = data.pack(as_sources=["s"], as_targets=["t"], mask_target_labels=True)
    adapter = KernelOTMappingAdapter(FAST, classwise=classwise)
    model = skada.make_da_pipeline(adapter, LogisticRegression())
    model.fit(X, y, sample_domain=domain)
    X_test, y_test, domain = data.pack(as_sources=[], as_targets=["t"], mask_target_labels=False)
    assert np.mean(model.predict(X_test, sample_domain=domain) == y_test) > 0.9
    assert model.score(X_test, y_test, sample_domain=domain) > 0.9


def test_the_check_that_skada_makes_of_mappings_for_regression() -> None:
    data = make_shifted_datasets(
        n_samples_source=5,
        n_samples_target=10,
        shift="conditional_shift",
        mean=0.5,
        noise=0.3,
        label="regression",
        random_state=42,
        return_dataset=True,
    )
    X, y, domain = data.pack(as_sources=["s"], as_targets=["t"], mask_target_labels=True)
    model = skada.make_da_pipeline(KernelOTMappingAdapter(FAST), Ridge())
    model.fit(X, y, sample_domain=domain)
    X_test, y_test, domain = data.pack(as_sources=[], as_targets=["t"], mask_target_labels=False)
    assert model.predict(X_test, sample_domain=domain).shape == y_test.shape
    assert model.score(X_test, y_test, sample_domain=domain) >= 0


def test_skada_searches_and_scores_it(blobs: Any) -> None:
    Xs, ys, Xt, yt = blobs
    data = DomainAwareDataset([(Xs, ys, "s"), (Xt, yt, "t")])
    X, y, domain = data.pack(as_sources=["s"], as_targets=["t"], mask_target_labels=True)
    model = skada.make_da_pipeline(KernelOTMappingAdapter(FAST), LogisticRegression())
    scores = cross_val_score(
        model,
        X,
        y,
        params={"sample_domain": domain},
        scoring=PredictionEntropyScorer(),
        cv=SourceTargetShuffleSplit(n_splits=2, random_state=0),
        error_score="raise",
    )
    assert scores.shape == (2,)
    assert (scores > -0.3).all()  # predictions about the target are sure


def test_the_adapter_moves_the_source_only(blobs: Any) -> None:
    Xs, ys, Xt, _ = blobs
    X, domain = np.concatenate([Xs, Xt]), np.repeat([1, -2], [len(Xs), len(Xt)])
    y = np.concatenate([ys, np.full(len(Xt), -1)])
    adapter = KernelOTMappingAdapter(FAST)
    moved = adapter.fit_transform(X, y, sample_domain=domain)
    np.testing.assert_array_equal(moved[domain < 0], Xt)
    expected = FAST.fit(Xs, Xt).transform(Xs)
    np.testing.assert_allclose(moved[domain > 0], expected)


def test_pot_style_needs_neither_pot_nor_skada(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ot", "skada"):
        monkeypatch.setitem(sys.modules, name, None)
    Xs, _, Xt, _ = domains()
    assert DomainTransport(FAST).fit(Xs=Xs, Xt=Xt).transform(Xs=Xs).shape == Xs.shape


def test_frames_with_other_columns_are_refused() -> None:
    points = np.random.default_rng(0).normal(size=(40, 2))
    source, target = pd.DataFrame(points, columns=["a", "b"]), pd.DataFrame(points)
    with pytest.raises(ValueError, match=r"of Xt are not those of Xs, \['a', 'b'\]"):
        DomainTransport().fit(Xs=source, Xt=target.set_axis(["b", "a"], axis=1))
