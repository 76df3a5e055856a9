"""The background of each session, taken off by robust PCA (Lin 2020)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from sklearn.base import OneToOneFeatureMixin

from .._checks import check_rows, check_subjects, known_subjects, unique_subjects
from ..errors import InputError, TransferWarning
from .base import Aligner, Floats, Target
from .row_table import sitting_codes, target_sittings, told_column
from .solvers.principal_component_pursuit import Pursuit, pursue
from .solvers.sparse_remainder import sparse_remainder

LEVELS = ("session", "subject")
#: A sitting of fewer rows has no background of its own: one row would be all background (nothing
#: is left of it), of two or three rows with a class effect 10 and 25 % are left, of more 40 %.
LEAST_ROWS = 4
#: A fitted background: ``mean`` (n_features,), ``components`` (rank, n_features), ``strengths``
#: (rank,), ``lam``, and how the pursuit ended: ``n_iter``, ``residual``, ``gap``.
Background = dict[str, Any]


class RobustPCA(OneToOneFeatureMixin, Aligner):
    """Keep what is sparse in a session's features; its low-rank background is taken off.

    A session's rows, centred, are split into a low-rank part (what moves many features together
    for many windows: taken to be the background of the day) and a sparse part, which is handed on.

    Consumes: the unlabelled target rows (their mean and background).
    Before adapt: the target is taken off the pooled background of the sources and their mean.
    Needs: for ``by="session"`` the column `session` of `rows`; without it each person's rows count
    as one session.
    Memory: a mean and a background (rank x n_features) for each source session; no rows.

    Parameters
    ----------
    lam : float
        Weight of the sparse part, in units of 1 / sqrt(max(n_windows, n_features)) of the session.
        A pattern of a windows x b features counts as background from about
        a b > max(n_windows, n_features) / lam^2 on; see Notes.
    by : {"session", "subject"}
        What has a background of its own: a sitting, or a person.
    tol : float
        Where the decomposition ends, as in `pursue`.

    Attributes
    ----------
    source_subjects_, source_sessions_ : ndarray of shape (n_sessions,)
        Whose and which sitting each source background is; the sittings of ``by="subject"`` are 0.
    source_backgrounds_, target_backgrounds_ : list of dict
        For each sitting ``mean``, ``components`` (rank, n_features), ``strengths`` (rank,), ``lam``
        and how the decomposition ended (``n_iter``, ``residual``, ``gap``; see `pursue`). Before
        `adapt` the target's is ``pooled_background_``, which has no such ending.

    Notes
    -----
    The decomposition minimises |L|_* + lam |S|_1 over L + S = X - mean. A row z = x - mean is
    mapped to z - V a with the a that minimises sum_k a_k^2 / (2 s_k) + lam |z - V a|_1, where V
    and s are the singular vectors and values of L: on the rows of the decomposition this is their
    S again, and on other rows it depends on the row alone (`sparse_remainder` has the proof).
    With `tol` at its default both agree to about 1e-4 of |S|.

    A rank-one pattern of size v on a windows and b features costs v sqrt(a b) as low-rank part and
    lam v a b as sparse part, so that it is background when lam sqrt(a b) > 1. With the usual
    lam = 1 / sqrt(max(n_windows, n_features)) noise of no structure is at the border: its signs,
    times lam, have a spectral norm of 1 + sqrt(n_features / n_windows). **A class that lasts for
    whole trials and shows in many features is such a pattern, too, and goes into the background**;
    only a smaller `lam` keeps it. The features must be in comparable units: put a
    `SubjectNormalizer` before it.

    The pooled background is that of all sources stacked: singular vectors and values of their
    low-rank parts on top of each other, each session centred by itself.

    Where one person has several sittings and `rows` do not tell which (always in `transform`), a
    row goes with the sitting that leaves the least |S|_1.

    Sittings of fewer than 4 rows have no background of their own, and a `TransferWarning` says so:
    the sources' are taken off the pooled background, the target's off that of its other sittings;
    a target of fewer than 4 rows in all leaves everything as before `adapt`.

    `adapt` changes nothing on the source side.

    References
    ----------
    Lin, "Constructing a personalized cross-day EEG-based emotion-classification model using
    transfer learning", IEEE Journal of Biomedical and Health Informatics 24(5), 2020.
    Candes, Li, Ma, Wright, "Robust principal component analysis?", Journal of the ACM 58(3), 2011.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drift = np.outer(rng.standard_normal(60), rng.standard_normal(8))
    >>> X = drift + 0.2 * rng.standard_normal((60, 8))
    >>> X[7, 2] += 5.0
    >>> kept = RobustPCA().fit(X).adapt(X).transform(X)
    >>> np.argmax(np.abs(kept)).item() == 7 * 8 + 2
    True
    """

    needs_ = "unlabelled"
    by_subject = True
    moves_source = False

    def __init__(self, *, lam: float = 1.0, by: str = "session", tol: float = 1e-5) -> None:
        self.lam = lam
        self.by = by
        self.tol = tol

    @property
    def reads_rows(self) -> bool:  # type: ignore[override]
        """Whether it reads the descriptions of the rows."""
        return self.by == "session"

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        check_background_parameters(self.lam, self.by, self.tol)
        told = rows if self.reads_rows else None
        names, sessions, codes = sitting_codes(subjects, told)
        found = learn_backgrounds(X, codes, self.lam, self.tol)
        self.pooled_background_ = pool_backgrounds(found, np.bincount(codes), self.lam)
        self.source_subjects_, self.source_sessions_ = names, sessions
        self.source_backgrounds_ = [own or self.pooled_background_ for own in found]
        self.sessions_told_ = told_column(told, "session") is not None

    def _forget_target(self) -> None:
        self.target_backgrounds_ = [self.pooled_background_]

    def _adapt_target(self, target: Target) -> str:
        codes = target_sittings(target) if self.reads_rows else np.zeros(len(target.X), np.intp)
        found = learn_backgrounds(target.X, codes, self.lam, self.tol, of="the target")
        own = [background for background in found if background is not None]
        if not own:
            self._forget_target()
            return "inductive"
        self.target_backgrounds_ = own
        return "unlabelled"

    def _transform(self, X: Floats) -> Floats:
        return least_remainder(X, self.target_backgrounds_)

    def transform_source(
        self, X: ArrayLike, subjects: ArrayLike | None = None, rows: Any = None
    ) -> Floats:
        """Map rows of the sources.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)
            Rows of people that were in `fit`.
        subjects : array-like of shape (n_windows,), optional
            Whose row it is; None means the one subject of a fit without `subjects`.
        rows : table, optional
            Whose column `session` says which sitting a row is of.

        Returns
        -------
        ndarray of shape (n_windows, n_features)
        """
        checked = self._check_X(X)
        check_rows(rows, len(checked))
        return self._transform_source(checked, check_subjects(subjects, len(checked)), rows)

    def _transform_source(self, X: Floats, subjects: NDArray[Any], rows: Any = None) -> Floats:
        known, _ = unique_subjects(self.source_subjects_)
        codes = known_subjects(subjects, known, type(self).__name__)
        sessions = told_column(rows, "session") if self.reads_rows else None
        out = np.empty(X.shape)
        for person, name in enumerate(known.tolist()):
            own = [i for i, whose in enumerate(self.source_subjects_.tolist()) if whose == name]
            mine = codes == person
            if sessions is None or not self.sessions_told_:
                choices = [(mine, own)]
            else:
                choices = [(mine & (sessions == self.source_sessions_[i]), [i]) for i in own]
                self._check_sessions(name, sessions[mine], self.source_sessions_[own])
            for index, places in choices:
                if index.any():
                    out[index] = least_remainder(
                        X[index], [self.source_backgrounds_[i] for i in places]
                    )
        return out

    @staticmethod
    def _check_sessions(person: Any, given: NDArray[Any], known: NDArray[Any]) -> None:
        unknown = sorted(set(given.tolist()) - set(known.tolist()), key=str)
        if unknown:
            raise InputError(
                f"RobustPCA got rows of subject {person}, session {unknown[0]}, which was not in "
                f"fit (there: {', '.join(map(str, known.tolist()))}); pass rows=None to take the "
                "sitting that fits each row best."
            )


def check_background_parameters(lam: float, by: str, tol: float) -> None:
    """Refuse parameters that make no background.

    Parameters
    ----------
    lam, by, tol
        As in `RobustPCA`.

    Raises
    ------
    InputError
    """
    if isinstance(lam, str) or not 0 < lam < np.inf:
        raise InputError(
            f"lam must be a positive number (1 is the usual weight of the sparse part); got {lam!r}"
            "."
        )
    if by not in LEVELS:
        raise InputError(f"by must be one of {', '.join(LEVELS)}; got {by!r}.")
    if isinstance(tol, str) or not 0 < tol < 1:
        raise InputError(f"tol must lie between 0 and 1; got {tol!r}.")


def learn_backgrounds(
    X: Floats,
    codes: NDArray[np.intp],
    lam: float,
    tol: float,
    *,
    of: str = "the sources",
    sparse: Floats | None = None,
) -> list[Background | None]:
    """Split the centred rows of each sitting, and keep what describes the low-rank part.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    codes : ndarray of int, shape (n_rows,)
        The sitting of each row, from 0 on without gaps.
    lam, tol : float
        As in `RobustPCA`.
    of : str
        Whose rows they are, for the warning.
    sparse : ndarray of shape (n_rows, n_features), optional
        Is filled with the sparse parts; rows of short sittings stay as they are.

    Returns
    -------
    list of dict or None
        None for a sitting of fewer than 4 rows.

    Warns
    -----
    TransferWarning
        When there is one.
    """
    found: list[Background | None] = []
    for sitting in range(int(codes.max()) + 1):
        index = np.flatnonzero(codes == sitting)
        if len(index) < LEAST_ROWS:
            found.append(None)
            continue
        mean = X[index].mean(axis=0)
        split = pursue(X[index] - mean, lam / np.sqrt(max(len(index), X.shape[1])), tol=tol)
        if sparse is not None:
            sparse[index] = split.sparse
        found.append(_background_of(split, mean))
    short = sum(background is None for background in found)
    if short:
        warnings.warn(
            f"{short} of {len(found)} sittings of {of} have fewer than {LEAST_ROWS} rows, too few "
            "for a background of their own, which would be all that they are: they are taken off "
            "another. Give longer sittings, or by='subject'.",
            TransferWarning,
            stacklevel=2,
        )
    return found


def _background_of(split: Pursuit, mean: Floats) -> Background:
    """Keep what describes the low-rank part."""
    return {
        "mean": mean,
        "components": split.components,
        "strengths": split.singular_values,
        "lam": split.lam,
        "n_iter": split.n_iter,
        "residual": split.residual,
        "gap": split.gap,
    }


def pool_backgrounds(
    backgrounds: list[Background | None], counts: NDArray[np.intp], lam: float
) -> Background:
    """Give the background of all sittings stacked.

    Parameters
    ----------
    backgrounds : list of dict or None
        None for sittings that are too short to have one.
    counts : ndarray of int, shape (n_sittings,)
        Rows of each.
    lam : float
        As in `RobustPCA`.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        When all are too short.
    """
    known = [(n, b) for n, b in zip(counts.tolist(), backgrounds, strict=True) if b is not None]
    if not known:
        raise InputError(
            f"robust PCA needs a source sitting of at least {LEAST_ROWS} rows; the longest of "
            f"{len(counts)} has n_samples = {counts.max()}. Give longer sittings, or tell by "
            "subjects and sessions which rows belong together."
        )
    weights = np.array([n for n, _ in known], dtype=np.float64)
    mean = weights @ np.array([b["mean"] for _, b in known]) / weights.sum()
    # L_i'L_i = V diag(s^2) V' is all that the stacked low-rank parts are needed for
    stacked = np.vstack([b["strengths"][:, None] * b["components"] for _, b in known])
    squares, vectors = linalg.eigh(stacked.T @ stacked)
    strengths = np.sqrt(np.maximum(squares[::-1], 0.0))
    kept = strengths > 1e-6 * max(strengths[0], np.finfo(np.float64).tiny)
    weight = lam / np.sqrt(max(weights.sum(), len(mean)))
    return {
        "mean": mean,
        "components": np.ascontiguousarray(vectors[:, ::-1][:, kept].T),
        "strengths": strengths[kept],
        "lam": float(weight),
    }


def least_remainder(X: Floats, backgrounds: list[Background]) -> Floats:
    """Give what the background leaves of each row; of several, the one that leaves the least.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    backgrounds : list of dict

    Returns
    -------
    ndarray of shape (n_rows, n_features)
    """
    best = np.full(len(X), np.inf)
    out = np.empty(X.shape)
    for b in backgrounds:
        S = sparse_remainder(X - b["mean"], b["components"], b["strengths"], b["lam"])
        left = np.abs(S).sum(axis=1)
        nearer = left < best
        out[nearer], best[nearer] = S[nearer], left[nearer]
    return out
