"""The transport as an adapter of skada's, which tells domains apart by `sample_domain`."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from kernel_ot.domain_adaptation._transport import DomainTransport
from kernel_ot.estimator import KernelOT

try:
    from skada._mapping import BaseOTMappingAdapter
except ImportError as error:
    raise ImportError(
        "KernelOTMappingAdapter needs skada: pip install 'kernel-ot[domain-adaptation]'"
    ) from error


class KernelOTMappingAdapter(BaseOTMappingAdapter):
    """Map source samples to the target domain, as a step of `skada.make_da_pipeline`.

    Parameters
    ----------
    estimator : KernelOT, optional
        Settings of every map; `KernelOT()` by default.
    classwise : bool, default False
        One map a class; see `DomainTransport`.
    label_model : classifier, optional
        Guesses labels where class-wise maps need them and they are not known.

    Attributes
    ----------
    ot_transport_ : DomainTransport

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skada import make_da_pipeline
    >>> sample_domain = np.repeat([1, -2], 60)  # 1 is the source, -2 the target
    >>> labels = np.tile([0, 1], 60)
    >>> X = np.random.default_rng(0).normal(size=(120, 2)) + 4.0 * labels[:, None]
    >>> X[60:] = X[60:] * [2.0, 1.0] + 5
    >>> y = np.where(sample_domain > 0, labels, -1)  # labels of the target are not known
    >>> model = make_da_pipeline(KernelOTMappingAdapter(), LogisticRegression())
    >>> predicted = model.fit(X, y, sample_domain=sample_domain).predict(X[60:])
    >>> bool((predicted == labels[60:]).mean() > 0.9)
    True
    """

    def __init__(
        self,
        estimator: KernelOT | None = None,
        classwise: bool = False,
        label_model: BaseEstimator | None = None,
    ) -> None:
        super().__init__()
        self.estimator = estimator
        self.classwise = classwise
        self.label_model = label_model

    def _create_transport_estimator(self) -> DomainTransport:
        return DomainTransport(self.estimator, self.classwise, self.label_model)
