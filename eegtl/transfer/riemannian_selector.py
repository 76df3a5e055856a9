"""Which sources are like the wearer: weights by the affine-invariant distance of covariances."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin

from .._checks import unique_subjects
from .._threads import one_thread
from ..errors import InputError, TransferWarning
from .base import Aligner, Floats, Target
from .covariance_means import domain_mean
from .covariance_rows import covariance_blocks, mean_variances
from .moments import row_moments
from .row_table import sitting_codes, told_column
from .source_weights import hard_weights, restore_classes, soft_weights

LEVELS = ("subject", "session", "row")
#: The average source domain counts as this many rows of each domain, per direction of features.
PRIOR_ROWS = 0.1
#: Eigenvalues of covariance rows, and where their Riemannian mean ends: as in `Recenter`.
FLOOR, TOLERANCE = 1e-6, 1e-9


def whitening(covariance: Floats, mean: Floats) -> Floats:
    """Map that turns rows of this covariance into rows whose covariance is the identity.

    Parameters
    ----------
    covariance : ndarray of shape (d, d)
    mean : ndarray of shape (d,)
        Of the rows; features that are constant to rounding are left out by it.

    Returns
    -------
    W : ndarray of shape (d, r)
        With W' S W = I; r is the numerical rank of S.

    Examples
    --------
    >>> whitening(np.diag([4.0, 0.0]), np.zeros(2)).tolist()
    [[0.5], [0.0]]
    """
    sd = np.sqrt(np.diag(covariance))
    varies = sd > 10 * np.finfo(np.float64).eps * np.abs(mean)
    scale = np.where(varies, sd, np.inf)
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    kept = values > 1e-10 * max(values[-1], 1e-10)
    W: Floats = vectors[:, kept] / np.sqrt(values[kept]) / scale[:, None]
    return W


def gaussian_matrix(covariance: Floats, mean: Floats) -> Floats:
    """Positive definite matrix of a Gaussian's covariance and mean.

    Parameters
    ----------
    covariance : ndarray of shape (d, d)
    mean : ndarray of shape (d,)

    Returns
    -------
    ndarray of shape (d + 1, d + 1)
        [[C + mm', m], [m', 1]]; an affine map of the rows acts on it as an invertible matrix
        from both sides, so that affine-invariant distances do not change (Calvo and Oller 1990).

    Examples
    --------
    >>> gaussian_matrix(np.eye(1), np.array([2.0])).tolist()
    [[5.0, 2.0], [2.0, 1.0]]
    """
    corner = np.append(mean, 1.0)
    matrix = np.outer(corner, corner)
    matrix[:-1, :-1] += covariance
    return matrix


class RiemannianSelector(OneToOneFeatureMixin, Aligner):
    """Weight the source rows by how near their person is to the target; rows stay as they are.

    Near means the affine-invariant distance sqrt(sum ln^2 eig(A^-1 B)) between covariances: of
    the features, or of the channels where rows are covariances.

    Consumes: the unlabelled target rows (their covariance; with `with_mean` their mean, too).
    Before adapt: all source rows weigh 1.
    Needs: for ``level="session"`` the column `session` of `rows`; without rows each person counts
    as one session.
    Memory: a code for each source row, a matrix for each person or session; for ``level="row"``
    the source rows.

    Parameters
    ----------
    level : {"subject", "session", "row"}
        What is weighted as one: a person, a sitting of a person, or each row (rows of
        covariances only, by the distance of the row's matrices from the target's mean).
    n_sources : int, float or None
        None: soft weights exp(-(d^2 - d_min^2) / median d^2), 0 below 0.01. A number of persons,
        sessions or rows, or a share of them between 0 and 1: the nearest weigh 1, the others 0.
    with_mean : bool
        Compare means, too. Off, since what stands behind mostly removes them (z2, TCA); for rows
        of features only.
    n_bands : int or None
        None: rows are features. A number: rows are half-vectorised covariances in that many
        bands, as the feature ``cov`` has them.

    Attributes
    ----------
    source_weights_ : ndarray of shape (n_source_rows,)
    distances_ : ndarray of shape (n_domains,)
        From the target; NaN before `adapt`. For covariances over all bands (root of the summed
        squares).
    domain_subjects_ : ndarray of shape (n_domains,)
        Whose they are; not for ``level="row"``, where domains are the rows in their order.
    domain_sessions_ : ndarray of shape (n_domains,)
        The sitting, for ``level="session"``.

    Notes
    -----
    Features: with W from the pooled covariance within the r directions of the source domains
    (W'SW = I), a domain of n rows is described by (n C + k I) / (n + k), C the covariance of its
    whitened rows xW and k = r / 10: the average domain stands for k rows of each, as a conjugate
    prior does. x -> xA + b for everybody leaves all distances as they are, which shrinkage
    towards a multiple of the identity before whitening would not. Directions in which no source
    varies are not compared.

    Covariances: a domain is described by the Riemannian mean of its matrices in each band.

    The median as the scale is the usual choice for a Gaussian kernel. Where all sources are about
    equally far, as if drawn from one population, all weights are near 1 and nothing is lost;
    `n_sources` then throws data away. A class that no chosen source holds is brought back by
    the nearest source that does, with weight 1; a `TransferWarning` says so.

    Distances grow with the sampling error of both covariances: domains should have about equally
    many rows, and more than features. A person of whom there are few rows looks average. Where
    covariances are hardly known, the nearest persons are those in the middle of all, for
    everybody; look at how often each is chosen before you trust `n_sources`.

    References
    ----------
    Lin, "Constructing a personalized cross-day EEG-based emotion-classification model using
    transfer learning", IEEE J. Biomed. Health Inform. 24(5), 2020 (nearest sessions are added to
    the training set). Calvo, Oller, "A distance between multivariate normal distributions based
    in an embedding into the Siegel group", J. Multivar. Anal. 35(2), 1990.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> near, far = rng.standard_normal((2, 50, 3))
    >>> X, who = np.vstack([near, far * [1, 5, 25]]), np.repeat(["ann", "ben"], 50)
    >>> selector = RiemannianSelector(n_sources=1).fit(X, subjects=who)
    >>> selector.adapt(rng.standard_normal((50, 3))).source_weights_[[0, 99]].tolist()
    [1.0, 0.0]
    """

    moves_source = True
    by_subject = True

    def __init__(
        self,
        level: str = "subject",
        *,
        n_sources: int | float | None = None,
        with_mean: bool = False,
        n_bands: int | None = None,
    ) -> None:
        self.level = level
        self.n_sources = n_sources
        self.with_mean = with_mean
        self.n_bands = n_bands

    @property
    def reads_rows(self) -> bool:  # type: ignore[override]
        """Whether it reads the descriptions of the rows."""
        return self.level == "session"

    @property
    def row_kind(self) -> str:
        """What its rows are; the battery makes problems accordingly."""
        return "features" if self.n_bands is None else "covariances"

    def _check_parameters(self) -> None:
        if self.level not in LEVELS:
            raise InputError(f"level must be one of {', '.join(LEVELS)}; got {self.level!r}.")
        if self.n_bands is None and self.level == "row":
            raise InputError(
                "level='row' compares the covariance matrices that rows hold: set n_bands, and "
                "give the feature 'cov'; for other features use level='subject' or 'session'."
            )
        if self.n_bands is not None and self.with_mean:
            raise InputError(
                "with_mean compares means of features; rows of covariances (n_bands="
                f"{self.n_bands}) have none. Leave one of them out."
            )
        n = self.n_sources
        whole = isinstance(n, Integral) and not isinstance(n, bool) and n >= 1
        if n is not None and not whole and not (isinstance(n, float) and 0 < n <= 1):
            raise InputError(
                f"n_sources must be None (soft weights), a whole number from 1 on, or a share "
                f"above 0 and up to 1; got {n!r}."
            )

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        codes = np.arange(len(X)) if self.level == "row" else self._name_domains(subjects, rows)
        n_domains = int(codes.max()) + 1
        if y is None:
            classes, present = np.empty(0), np.empty((n_domains, 0), dtype=bool)
        else:
            classes, labels = np.unique(y, return_inverse=True)
            present = np.zeros((n_domains, len(classes)), dtype=bool)
            present[codes, labels] = True
        with one_thread():
            if self.n_bands is not None:
                self.level_ = mean_variances(X, self.n_bands)
            if self.level == "row":
                for band in range(self.level_.size):  # what is no covariance is refused here
                    for _ in covariance_blocks(X, codes, band, self.level_, FLOOR, "source"):
                        pass
                self.source_rows_ = X.copy()
            else:
                members = [np.flatnonzero(codes == i) for i in range(n_domains)]
                if self.n_bands is None:
                    self._fit_whitening(X, members)
                described = [self._describe(X, m, self._name(i)) for i, m in enumerate(members)]
                self.domain_matrices_ = np.array(described)
        self.domain_codes_, self.labels_, self.label_present_ = codes, classes, present

    def _name_domains(self, subjects: NDArray[Any], rows: Any) -> NDArray[np.intp]:
        """Name the persons or sessions, and give each row's."""
        if self.level == "subject":
            self.domain_subjects_, codes = unique_subjects(subjects)
            return codes
        if rows is None:
            warnings.warn(
                "level='session' got no rows with a column 'session': each person counts as one "
                "session.",
                TransferWarning,
                stacklevel=2,
            )
        elif told_column(rows, "session") is None:
            raise InputError(
                "level='session' needs the column 'session' in rows; got "
                f"{type(rows).__name__} without it. Use level='subject', or describe the rows."
            )
        self.domain_subjects_, self.domain_sessions_, codes = sitting_codes(subjects, rows)
        return codes

    def _name(self, domain: int) -> str:
        """Name a person or session."""
        name = f"subject {self.domain_subjects_[domain]!s}"
        if self.level == "session":
            name += f", session {self.domain_sessions_[domain]!s}"
        return name

    def _fit_whitening(self, X: Floats, members: list[NDArray[np.intp]]) -> None:
        """Learn the coordinates in which the average source domain has the identity."""
        within = np.zeros((X.shape[1], X.shape[1]))
        for index in members:
            within += row_moments(X[index])[2]
        self.centre_ = X.mean(axis=0)
        self.whitening_ = whitening(within / len(X), self.centre_)

    def _describe(self, X: Floats, index: NDArray[np.intp], who: str) -> Floats:
        """Give the matrices of a domain, one for each band (one in all for features)."""
        if self.n_bands is not None:
            means, _ = domain_mean(
                X,
                index,
                self.level_,
                metric="riemann",
                floor=FLOOR,
                tolerance=TOLERANCE,
                who=who,
            )
            return means
        count, mean, scatter = row_moments((X[index] - self.centre_) @ self.whitening_)
        prior = PRIOR_ROWS * len(scatter)
        covariance = (scatter + prior * np.eye(len(scatter))) / (count + prior)
        return (gaussian_matrix(covariance, mean) if self.with_mean else covariance)[None]

    def _forget_target(self) -> None:
        self.distances_ = np.full(len(self.label_present_), np.nan)
        self.source_weights_ = np.ones(len(self.domain_codes_))

    def _adapt_target(self, target: Target) -> str:
        unknown = self._what_has_no_covariance(target.X) if self.n_bands is None else None
        if unknown is not None:
            warnings.warn(
                f"{unknown}: all sources weigh 1. Give more rows.", TransferWarning, stacklevel=2
            )
            self._forget_target()
            return "inductive"
        with one_thread():
            described = self._describe(target.X, np.arange(len(target.X)), "target")
            squared = self._squared_distances(described)
        if self.n_sources is None:
            weights = soft_weights(squared)
        else:
            weights = hard_weights(squared, self.n_sources)
        n_used = int(np.count_nonzero(weights))
        per_class = max(1, n_used // max(1, len(self.labels_))) if self.level == "row" else 1
        weights, added = restore_classes(weights, squared, self.label_present_, per_class)
        for label, domains in added.items():
            self._warn_of_class(self.labels_[label], n_used, domains)
        self.distances_ = np.sqrt(squared)
        self.source_weights_ = weights[self.domain_codes_]
        return "unlabelled"

    def _what_has_no_covariance(self, X: Floats) -> str | None:
        """Say which side cannot be compared, if one cannot."""
        if not self.whitening_.shape[1]:
            n = len(self.label_present_)
            return f"no feature varies within any of the {n} {self.level}s of the sources"
        return "one row of the target has no covariance" if len(X) < 2 else None

    def _squared_distances(self, target: Floats) -> Floats:
        from pyriemann.geometry.distance import distance_riemann

        squared = np.zeros(len(self.label_present_))
        for band, matrix in enumerate(target):
            if self.level != "row":
                squared += distance_riemann(self.domain_matrices_[:, band], matrix, squared=True)
                continue
            everybody = np.arange(len(self.source_rows_))
            for numbers, matrices, _ in covariance_blocks(
                self.source_rows_, everybody, band, self.level_, FLOOR, "source"
            ):
                squared[numbers] += distance_riemann(matrices, matrix, squared=True)
        return squared

    def _warn_of_class(self, label: Any, n_used: int, domains: NDArray[np.intp]) -> None:
        if self.level == "row":
            who = f"its {len(domains)} nearest rows are"
        else:
            who = f"{self._name(int(domains[0]))} is"
        warnings.warn(
            f"none of the {n_used} nearest {self.level}s holds the class {label!s}: {who} added "
            "with weight 1. Set n_sources higher to choose otherwise.",
            TransferWarning,
            stacklevel=2,
        )

    def _transform(self, X: Floats) -> Floats:
        return X.copy()
