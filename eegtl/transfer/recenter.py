"""Re-centring of covariance matrices: every person's mean becomes the identity."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.metaestimators import available_if

from .._checks import known_subjects, unique_subjects
from .._threads import one_thread
from ..errors import InputError, TransferWarning
from .base import Aligner, Floats, Target
from .covariance_means import METRICS, domain_mean, mean_matrix
from .covariance_rows import count_channels, covariance_blocks, matrices_to_rows, mean_variances

OUTPUTS = ("tangent", "covariances")


def recentred_matrices(matrices: Floats, reference: Floats, metric: str) -> Floats:
    """Matrices as seen from a reference, which becomes the identity.

    Parameters
    ----------
    matrices : ndarray of shape (n_matrices, n_channels, n_channels)
    reference : ndarray of shape (n_channels, n_channels)
    metric : {"riemann", "euclid", "logeuclid"}
        R^-1/2 C R^-1/2 for ``riemann`` and ``euclid``; exp(log C - log R) for ``logeuclid``.

    Returns
    -------
    ndarray of shape (n_matrices, n_channels, n_channels)

    Examples
    --------
    >>> recentred_matrices(np.array([[[6.0]]]), np.array([[3.0]]), "euclid").round(9).item()
    2.0
    """
    from pyriemann.geometry.base import expm, invsqrtm, logm

    moved: Floats
    if metric == "logeuclid":
        moved = expm(logm(matrices) - logm(reference))
    else:
        root = invsqrtm(reference)
        moved = root @ matrices @ root
    return moved


def recentred_tangent(matrices: Floats, reference: Floats, metric: str) -> Floats:
    """Tangent vectors, at the identity, of matrices as seen from a reference.

    Parameters
    ----------
    matrices : ndarray of shape (n_matrices, n_channels, n_channels)
    reference : ndarray of shape (n_channels, n_channels)
    metric : {"riemann", "euclid", "logeuclid"}

    Returns
    -------
    ndarray of shape (n_matrices, n_channels (n_channels + 1) / 2)
        Upper triangle, row by row, of the logarithm of `recentred_matrices`; off the diagonal
        times sqrt 2.

    Examples
    --------
    >>> recentred_tangent(np.array([[[np.e]]]), np.array([[1.0]]), "riemann").round(9).item()
    1.0
    """
    from pyriemann.geometry.base import logm
    from pyriemann.geometry.tangentspace import tangent_space, upper

    vectors: Floats
    if metric == "logeuclid":
        vectors = upper(logm(matrices) - logm(reference))
    else:
        vectors = tangent_space(matrices, reference, metric="riemann")
    return vectors


def _has_running_mean(self: Recenter) -> bool:
    if self.metric == "riemann":
        raise AttributeError(
            "partial_adapt is exact for metric='euclid' and 'logeuclid' only; a Riemannian mean "
            "has no running form. Call adapt with all rows."
        )
    return True


class Recenter(OneToOneFeatureMixin, Aligner):
    """Re-centre each person's covariance matrices at the identity.

    Consumes: the unlabelled target rows (their mean matrix in each band).
    Before adapt: the target is re-centred by the mean of the source subjects' mean matrices.
    Memory: one matrix for each source subject and band; no rows.

    Parameters
    ----------
    metric : {"riemann", "euclid", "logeuclid"}
        Whose mean R is each person's reference: the affine-invariant (Zanini and others 2018),
        the arithmetic (He and Wu 2020) or the log-Euclidean one.
    n_bands : int
        Matrices in a row. Rows are half-vectorised covariances in the layout of the feature
        ``cov``: n_bands x p (p + 1) / 2 columns for p channels, band fastest.
    output : {"tangent", "covariances"}
        ``tangent``: upper triangles of the logarithms, off the diagonal times sqrt 2, for any
        classifier; ``covariances``: the re-centred matrices as rows of the same layout.
    floor : float
        Eigenvalues below this share of a matrix's mean eigenvalue count as that share, so that
        no logarithm is taken of what is zero to rounding.
    tolerance : float
        For ``riemann``: where its iteration ends (norm of the mean tangent vector).

    Attributes
    ----------
    subjects_ : ndarray of shape (n_subjects,)
    subject_reference_ : ndarray of shape (n_subjects, n_bands, n_channels, n_channels)
    pooled_reference_, target_reference_ : ndarray of shape (n_bands, n_channels, n_channels)
        Mean of the subjects' references; what target rows are re-centred by.
    subject_rank_ : ndarray of shape (n_subjects, n_bands)
    target_rank_ : ndarray of shape (n_bands,)
        Eigenvalues that needed no raising, averaged over the person's matrices (NaN before
        `adapt`). Below n_channels behind a common average reference, behind ICA, or in windows
        shorter than n_channels independent samples; a `TransferWarning` says so.
    level_ : ndarray of shape (n_bands,)
        Mean variance of the sources; a matrix below `floor` times it (a flat window) counts as
        that large.
    n_channels_ : int

    Notes
    -----
    C' = R^-1/2 C R^-1/2 for ``riemann`` and ``euclid``; whatever a person's head or cap does to
    the signal as one invertible matrix A (C becomes ACA') then drops out up to one rotation.
    ``logeuclid`` subtracts logarithms, C' = exp(log C - log R), for which the mean of C' is the
    identity, too; it is invariant to rotations and to scale only.

    For matrices that are diagonal, the tangent vector (``riemann``, ``logeuclid``) is log variance
    minus the person's mean of it: twice the differential entropy as ``SubjectNormalizer("z2")``
    centres it. What is new over that is what lies off the diagonal. The class mix of the target
    is taken to resemble that of the sources, as for z2.

    Columns keep their places, since R^-1/2 is the whitening that changes channels least; behind
    it a channel is a mixture, mostly of its own signal.

    `partial_adapt` exists for ``euclid`` and ``logeuclid`` and is exact. Cost of ``riemann``:
    about 15 eigen-decompositions of each matrix in `fit` and `adapt`, one in `transform`.

    References
    ----------
    Zanini, Congedo, Jutten, Said, Berthoumieu, "Transfer learning: a Riemannian geometry framework
    with applications to brain-computer interfaces", IEEE Trans. Biomed. Eng. 65(5), 2018. He, Wu,
    "Transfer learning for brain-computer interfaces: a Euclidean space data alignment approach",
    IEEE Trans. Biomed. Eng. 67(2), 2020.

    Examples
    --------
    >>> rows = np.array([[1.0, 0.0, 1.0], [4.0, 0.0, 1.0], [100.0, 0.0, 9.0], [400.0, 0.0, 9.0]])
    >>> recenter = Recenter().fit(rows, subjects=[1, 1, 2, 2])
    >>> recenter.transform_source(rows, [1, 1, 2, 2]).round(6)[:, 0].tolist()
    [-0.693147, 0.693147, -0.693147, 0.693147]
    """

    by_subject = True
    #: what its rows are; the battery makes problems accordingly
    row_kind = "covariances"

    def __init__(
        self,
        metric: str = "riemann",
        *,
        n_bands: int = 1,
        output: str = "tangent",
        floor: float = 1e-6,
        tolerance: float = 1e-9,
    ) -> None:
        self.metric = metric
        self.n_bands = n_bands
        self.output = output
        self.floor = floor
        self.tolerance = tolerance

    def _check_parameters(self) -> None:
        for name, known in (("metric", METRICS), ("output", OUTPUTS)):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}."
                )
        if not 0 < self.floor < 1:
            raise InputError(
                f"floor must lie between 0 and 1, as a share of the mean eigenvalue; got "
                f"{self.floor!r}."
            )
        if not self.tolerance > 0:
            raise InputError(f"tolerance must be positive; got {self.tolerance!r}.")

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        n_channels = count_channels(X.shape[1], self.n_bands)
        level = mean_variances(X, self.n_bands)
        names, codes = unique_subjects(subjects)
        with one_thread():
            means = [
                self._mean(X, np.flatnonzero(codes == i), level, f"source {name}")
                for i, name in enumerate(names.tolist())
            ]
            references = np.array([mean for mean, _ in means])
            pooled = [
                mean_matrix(references[:, band], self.metric, tolerance=self.tolerance)
                for band in range(self.n_bands)
            ]
        self.subjects_ = names
        self.subject_reference_ = references
        self.subject_rank_ = np.array([rank for _, rank in means])
        self.pooled_reference_ = np.array(pooled)
        self.level_, self.n_channels_ = level, n_channels
        worst = int(self.subject_rank_.min(axis=1).argmin())
        self._warn_of_rank(self.subject_rank_[worst], f"source {names.tolist()[worst]}")

    def _mean(
        self, X: Floats, index: NDArray[np.intp], level: Floats, who: str
    ) -> tuple[Floats, Floats]:
        return domain_mean(
            X,
            index,
            level,
            metric=self.metric,
            floor=self.floor,
            tolerance=self.tolerance,
            who=who,
        )

    def _warn_of_rank(self, ranks: Floats, who: str) -> None:
        band = int(ranks.argmin())
        if ranks[band] > self.n_channels_ - 0.5:
            return
        warnings.warn(
            f"the covariances of {who} have rank {ranks[band]:.1f} of {self.n_channels_} in band "
            f"{band}: what is missing counts as {self.floor:g} of their mean variance. Leave out "
            "channels that are sums of others, or shrink the covariances, as the feature 'cov' "
            "does.",
            TransferWarning,
            stacklevel=2,
        )

    def _forget_target(self) -> None:
        self.target_reference_ = self.pooled_reference_
        self.target_rank_ = np.full(self.n_bands, np.nan)
        self.target_count_ = 0

    def _adapt_target(self, target: Target) -> str:
        with one_thread():
            reference, rank = self._mean(target.X, np.arange(len(target.X)), self.level_, "target")
        self._set_target(reference, rank, len(target.X))
        return "unlabelled"

    @available_if(_has_running_mean)
    def partial_adapt(self, X_target: ArrayLike) -> Self:
        """Take further rows of the same wearer, as they arrive.

        Parameters
        ----------
        X_target : array-like of shape (n_new, n_columns)

        Returns
        -------
        self

        Notes
        -----
        Exact: ``fit.partial_adapt(A).partial_adapt(B)`` equals ``fit.adapt(A and B)``. For
        ``euclid`` and ``logeuclid`` only.
        """
        X = self._check_X(X_target)
        old, new = self.target_count_, len(X)
        with one_thread():
            reference, rank = self._mean(X, np.arange(new), self.level_, "target")
            if old:
                both = np.stack([self.target_reference_, reference], axis=1)
                weights = np.array([old, new], dtype=np.float64)
                reference = np.array([mean_matrix(m, self.metric, weights=weights) for m in both])
                rank = (old * self.target_rank_ + new * rank) / (old + new)
        self._set_target(reference, rank, old + new)
        self._set_consumed("unlabelled", self.target_count_)
        return self

    def _set_target(self, reference: Floats, rank: Floats, count: int) -> None:
        self._warn_of_rank(rank, "the target")
        self.target_reference_, self.target_rank_, self.target_count_ = reference, rank, count

    def _transform(self, X: Floats) -> Floats:
        out = np.empty_like(X)
        with one_thread():
            self._fill(out, X, np.arange(len(X)), self.target_reference_, "target")
        return out

    def _transform_source(self, X: Floats, subjects: NDArray[Any]) -> Floats:
        codes = known_subjects(subjects, self.subjects_, "Recenter")
        out = np.empty_like(X)
        with one_thread():
            for code in np.unique(codes):
                index, who = np.flatnonzero(codes == code), f"source {self.subjects_[code]}"
                self._fill(out, X, index, self.subject_reference_[code], who)
        return out

    def _fill(
        self, out: Floats, X: Floats, index: NDArray[np.intp], reference: Floats, who: str
    ) -> None:
        """Write the re-centred rows of one person."""
        for band in range(self.n_bands):
            for numbers, matrices, _ in covariance_blocks(
                X, index, band, self.level_, self.floor, who
            ):
                if self.output == "tangent":
                    part = recentred_tangent(matrices, reference[band], self.metric)
                else:
                    moved = recentred_matrices(matrices, reference[band], self.metric)
                    part = matrices_to_rows(moved[:, None])
                out[numbers, band :: self.n_bands] = part
