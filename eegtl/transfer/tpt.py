"""Transductive parameter transfer (Sangineto et al. 2014, Zheng and Lu 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from .._checks import unique_subjects
from .._threads import in_one_thread
from ..errors import InputError
from ..kernels.gram import canonical_order, median_gamma
from .answers import ScoringClassifier, fit_sharpness
from .base import Floats, Target
from .distribution_kernel import (
    fourier_frequencies,
    kernel_mean,
    kernel_means,
    mean_embedding,
    self_kernel_mean,
)
from .solvers.parameter_blend import blend_left_out, blend_response
from .solvers.squared_hinge import fit_linear_svm

#: What ``alpha="loo"`` chooses from, the strongest shrinkage first.
ALPHAS = (100.0, 10.0, 1.0, 0.1, 0.01, 0.001)
#: Rows whose distances give the kernel's width.
_WIDTH_ROWS = 1000
#: Sources that are closer to 1 to each other than this on average count as alike.
_LEAST_SPREAD = 1e-4


class TPT(ScoringClassifier):
    """Transductive parameter transfer: learn which classifier goes with which distribution.

    Each source subject gets a linear support vector machine of its own. A regression over the
    subjects predicts the parameters of the machine from the distribution of the features, and a
    wearer's distribution then gives the wearer's machine, without any label.

    Consumes: the unlabelled target rows, as a set; a short block will do. Labels of calibration
    rows are not used.
    Before adapt: the mean of the sources' classifiers.
    Memory: ``embedding="exact"`` all source rows; ``"fourier"`` one vector and one linear
    classifier a source subject, no rows.

    Parameters
    ----------
    C : float
        Cost of a row in the sources' machines, as in `fit_linear_svm`.
    gamma : "median" or float
        Width of the kernel between rows, exp(-gamma |x - y|^2); ``"median"`` is 1 / (2 s^2) with s
        the median distance between source rows (of at most 1000).
    distribution_kernel : {"mmd", "density"}
        How alike two distributions are: with D the normalised mean of the row kernel over all
        pairs, ``"density"`` is D, and ``"mmd"`` is D exp(-(1 - D) / w) with w the mean of 1 - D
        over the pairs of sources (Notes).
    regressor : {"krr", "msvr"}
        Kernel ridge regression, or support vector regression of all parameters at once
        (`fit_multi_output_svr`, cost 1 / (2 alpha `spread_`)).
    alpha : "loo" or float
        Ridge in units of `spread_`; large values give the mean classifier to everybody.
        ``"loo"`` chooses from `ALPHAS`: each source subject plays the wearer, its
        parameters are predicted from the others, and the mean log loss on its own labelled rows
        counts. Equal values choose the largest alpha.
    epsilon : float
        For ``msvr``: residuals up to this cost nothing, in units of the root mean square distance
        of the sources' parameters from their mean.
    embedding : {"exact", "fourier"}
        How distributions are compared: means over all pairs of rows, or `n_frequencies` random
        Fourier features.
    n_frequencies : int
        For ``fourier``; a kernel value is off by about 1 / sqrt(n_frequencies) at most.
    random_state : int
        Draws the frequencies.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    subjects_ : ndarray of shape (n_subjects,)
        The source subjects with at least two classes; others have no classifier to learn from.
    source_coef_ : ndarray of shape (n_subjects, n_classes, n_features)
    source_intercept_ : ndarray of shape (n_subjects, n_classes)
        The sources' machines, at `center_`: scores are ``(X - center_) @ coef.T + intercept``.
    kernel_ : ndarray of shape (n_subjects, n_subjects)
        Similarity K of the sources' distributions; 1 on the diagonal.
    spread_ : float
        Mean of 1 - K_ij over the pairs of sources, at least 1e-4; 1 with one source.
    similarity_ : ndarray of shape (n_subjects,)
        The same between target and sources; 0 before `adapt`.
    blend_ : ndarray of shape (n_classes, n_subjects)
        Weights of the sources' machines in the target's; each row sums to 1.
    coef_, intercept_ : ndarray of shape (n_classes, n_features) and (n_classes,)
        The target's machine, ``X @ coef_.T + intercept_``.
    gamma_, alpha_ : float
        What was used.
    loo_loss_ : ndarray
        Mean log loss of each alpha that was tried, in the order of `ALPHAS`; of the given alpha
        otherwise. NaN where no subject can be predicted from others.

    Notes
    -----
    D_ij is the mean of k(x, y) over all pairs of a row of each set (the density-estimate kernel of
    the paper), divided by sqrt(D_ii D_jj); 2 (1 - D_ij) is the squared distance of the sets'
    normalised mean embeddings. With many features all D_ij are nearly 1, and a target that lies
    ten times as far from the sources as they from each other is still .9 to all of them, from
    which a regression extrapolates. ``"mmd"`` measures distances in units of those between the
    sources, as exp(-distance / mean distance) of Sangineto et al. does with another distance; the
    factor D makes it 0 where the sets have nothing in common.

    With theta_i the parameters of subject i and m their mean, theta(t) = m + k_t'B, where B solves
    (K + alpha s I) B = Theta - 1m' for ``krr``, s = `spread_`. Only Theta is centred, K is not: a
    target that resembles nobody then has k_t = 0 and gets the mean classifier (a centred K would
    extrapolate). The regression is linear in Theta, so that the target's machine is a blend of
    the sources' with weights that sum to 1.

    A class is regressed over the subjects that have it beside another one; a subject without it
    says nothing about it. Class probabilities are sharpened by the scores that each source subject
    gets from the machine predicted for it by the others, as a new person would; with one source
    subject its own rows have to serve, and probabilities are too sure of themselves.

    ``krr`` depends on where the features have their origin no more than the machines do: not at
    all. ``msvr`` measures distances of parameters, in which intercepts and weights count
    alike; intercepts are taken at the mean of the source rows.

    Cost of `fit` with n rows: n^2 d for the exact kernel, n d n_frequencies for ``fourier``;
    of `adapt` with m rows: n m d, or m d n_frequencies.

    References
    ----------
    Sangineto, Zen, Ricci, Sebe, "We are not all equal: personalizing models for facial
    expression analysis with transductive parameter transfer", ACM Multimedia 2014.
    Zheng, Lu, "Personalizing EEG-based affective models with transfer learning", IJCAI 2016.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, subjects = np.tile([0, 1], 60), np.repeat(["a", "b", "c"], 40)
    >>> shift = np.repeat([0.0, 1.0, 5.0], 40)  # the threshold moves with the person
    >>> X = (4.0 * y + shift + rng.standard_normal(120))[:, None]
    >>> tpt = TPT(alpha=0.01).fit(X, y, subjects=subjects).adapt(X[80:] + 0.1)
    >>> tpt.subjects_[np.argmax(tpt.blend_[0])].item()
    'c'
    """

    needs_ = "unlabelled"
    by_subject = True
    sharpness_ = 1.0  # until fit

    def __init__(
        self,
        *,
        C: float = 0.1,
        gamma: str | float = "median",
        distribution_kernel: str = "mmd",
        regressor: str = "krr",
        alpha: str | float = "loo",
        epsilon: float = 0.1,
        embedding: str = "exact",
        n_frequencies: int = 2048,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.gamma = gamma
        self.distribution_kernel = distribution_kernel
        self.regressor = regressor
        self.alpha = alpha
        self.epsilon = epsilon
        self.embedding = embedding
        self.n_frequencies = n_frequencies
        self.random_state = random_state

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        self.classes_ = self._check_classes(y)
        codes = np.searchsorted(self.classes_, np.asarray(y))
        names, people = unique_subjects(subjects)
        has = self._classes_of_subjects(codes, people, len(names))
        usable = has.sum(axis=1) > 0
        order = np.argsort(people, kind="stable")
        order = order[usable[people[order]]]  # rows by subject; a copy, not the caller's array
        X, codes = X[order], codes[order]
        counts = np.bincount(people[order], minlength=len(names))[usable]
        self.subjects_, has = names[usable], has[usable]
        self.center_ = X.mean(axis=0)
        self._fit_machines(X, codes, counts, has)
        self._embed(X, counts)
        self._fit_regression(X, codes, counts, has)

    def _classes_of_subjects(
        self, codes: NDArray[np.intp], people: NDArray[np.intp], n_people: int
    ) -> NDArray[np.bool_]:
        """Say which classes each subject's machine can tell from others."""
        table = np.zeros((n_people, len(self.classes_)), dtype=bool)
        table[people, codes] = True
        table[table.sum(axis=1) < 2] = False
        missing = self.classes_[~table.any(axis=0)].tolist()
        if missing:
            raise InputError(
                f"TPT learns from classifiers of single people, but no source subject has rows of "
                f"{missing} beside another class ({n_people} subjects). Give more sources, and "
                "one subject for each row."
            )
        return table

    @in_one_thread
    def _fit_machines(
        self, X: Floats, codes: NDArray[np.intp], counts: NDArray[np.intp], has: NDArray[np.bool_]
    ) -> None:
        """Fit each subject's support vector machine."""
        shape = (len(counts), len(self.classes_), X.shape[1])
        self.source_coef_, self.source_intercept_ = np.zeros(shape), np.zeros(shape[:2])
        for i, part in enumerate(_parts(counts)):
            rows = X[part] - self.center_
            coef, intercept = fit_linear_svm(rows, codes[part], len(self.classes_), float(self.C))
            # a class that the subject lacks is left at 0, and given no weight by the regression
            self.source_coef_[i], self.source_intercept_[i] = coef, np.where(has[i], intercept, 0)

    def _embed(self, X: Floats, counts: NDArray[np.intp]) -> None:
        """Compare the sources' distributions, and keep what compares a target to them."""
        if self.gamma == "median":
            order = canonical_order(X)
            spread = np.linspace(0, len(X) - 1, min(len(X), _WIDTH_ROWS)).astype(np.intp)
            self.gamma_ = median_gamma(X[order[spread]])
        else:
            self.gamma_ = float(self.gamma)
        parts = _parts(counts)
        self.source_counts_ = counts
        self.source_rows_ = X if self.embedding == "exact" else X[:0].copy()
        if self.embedding == "exact":
            K = kernel_means([X[part] for part in parts], self.gamma_)
        else:
            self.frequencies_ = fourier_frequencies(
                X.shape[1], int(self.n_frequencies), self.gamma_, self.random_state
            )
            self.embeddings_ = np.array(
                [mean_embedding(X[part] - self.center_, self.frequencies_) for part in parts]
            )
            K = self.embeddings_ @ self.embeddings_.T
        self.self_mean_ = np.diagonal(K).copy()
        D = K / np.sqrt(np.outer(self.self_mean_, self.self_mean_))
        self.width_ = _spread(D)
        self.kernel_ = self._similarity(D)
        self.spread_ = _spread(self.kernel_)

    def _similarity(self, D: Floats) -> Floats:
        """Turn normalised means of the row kernel into similarities of distributions."""
        return D if self.distribution_kernel == "density" else D * np.exp((D - 1) / self.width_)

    def _compare(self, X: Floats) -> Floats:
        """Give the similarity of a target's distribution to the sources'."""
        if self.embedding == "exact":
            own = self_kernel_mean(X, self.gamma_)
            sets = [self.source_rows_[part] for part in _parts(self.source_counts_)]
            across = np.array([kernel_mean(X, rows, self.gamma_) for rows in sets])
        else:
            embedded = mean_embedding(X - self.center_, self.frequencies_)
            own, across = float(embedded @ embedded), self.embeddings_ @ embedded
        return self._similarity(across / np.sqrt(own * self.self_mean_))

    def _fit_regression(
        self, X: Floats, codes: NDArray[np.intp], counts: NDArray[np.intp], has: NDArray[np.bool_]
    ) -> None:
        """Choose alpha, fit the map from similarities to blends, and sharpen the probabilities."""
        people = np.repeat(np.arange(len(counts)), counts)
        alphas = ALPHAS if self.alpha == "loo" else (float(self.alpha),)
        losses = np.full(len(alphas), np.nan)
        chosen = 0
        for i, alpha in enumerate(alphas):
            base, response, left_out = self._regress(has, alpha * self.spread_)
            known = np.isfinite(left_out.sum(axis=(1, 2)))  # the others have all of the classes
            honest = bool(known.any())
            if not honest:  # one subject: its own machine has to do
                left_out, known = base[None], np.ones(len(counts), dtype=bool)
            scores = self._score_sources(X, counts, left_out)
            kept = known[people]
            sharpness = fit_sharpness(scores[kept], codes[kept])
            log_p = log_softmax(sharpness * scores[kept], axis=1)
            own = log_p[np.arange(len(log_p)), codes[kept]]
            if honest:  # each subject counts alike
                losses[i] = -own @ (1 / counts[people[kept]]) / known.sum()
            if i == 0 or losses[i] < losses[chosen] - 1e-9:
                chosen = i
                self.base_, self.response_, self.sharpness_ = base, response, sharpness
        self.alpha_, self.loo_loss_ = alphas[chosen], losses

    def _regress(self, has: NDArray[np.bool_], alpha: float) -> tuple[Floats, Floats, Floats]:
        """Fit the regression of each class over the subjects that have it.

        Returns
        -------
        base : ndarray of shape (n_classes, n_subjects)
            Blend of the mean classifier.
        response : ndarray of shape (n_classes, n_subjects, n_subjects)
            A target with similarities k has the blend ``base + k @ response``.
        left_out : ndarray of shape (n_subjects, n_classes, n_subjects)
            The blend that the others predict for each source subject; NaN where there are none.
        """
        n_subjects, n_classes = has.shape
        base, response = np.zeros((n_classes, n_subjects)), np.zeros((n_classes, *[n_subjects] * 2))
        left_out = np.zeros((n_classes, n_subjects, n_subjects))
        epsilon = float(self.epsilon) if self.regressor == "msvr" else None
        patterns, group = np.unique(has.T, axis=0, return_inverse=True)
        for g, pattern in enumerate(patterns):  # classes that the same subjects have go together
            members, classes = np.flatnonzero(pattern), np.flatnonzero(group == g)
            K = self.kernel_[np.ix_(members, members)]
            coef = self.source_coef_[np.ix_(members, classes)]
            intercept = self.source_intercept_[np.ix_(members, classes)]
            theta = np.concatenate([coef, intercept[:, :, None]], axis=2).reshape(len(members), -1)
            base[np.ix_(classes, members)] = 1 / len(members)
            among = np.ix_(classes, members, members)
            response[among] = blend_response(K, theta, alpha, epsilon)
            # a subject that lacks the classes is left out already
            left_out[classes] = base[classes, None] + self.kernel_ @ response[classes]
            left_out[among] = blend_left_out(K, theta, alpha, epsilon)
        return base, response, left_out.swapaxes(0, 1)

    def _score_sources(self, X: Floats, counts: NDArray[np.intp], blends: Floats) -> Floats:
        """Score each source subject's rows by the machine of its blend."""
        scores = np.empty((len(X), len(self.classes_)))
        blends = np.broadcast_to(blends, (len(counts), *blends.shape[1:]))
        for part, blend in zip(_parts(counts), blends, strict=True):
            coef, intercept = self._machine(np.nan_to_num(blend))
            scores[part] = X[part] @ coef.T + intercept
        return scores

    def _machine(self, blend: Floats) -> tuple[Floats, Floats]:
        """Blend the sources' machines into one for rows as they are."""
        coef = np.einsum("cn,ncd->cd", blend, self.source_coef_)
        intercept = np.einsum("cn,nc->c", blend, self.source_intercept_)
        return coef, intercept - coef @ self.center_

    def _forget_target(self) -> None:
        self._set_target(np.zeros(len(self.subjects_)))

    def _adapt_target(self, target: Target) -> str:
        self._set_target(self._compare(target.X))
        return "unlabelled"

    def _set_target(self, similarity: Floats) -> None:
        self.similarity_ = similarity
        self.blend_ = self.base_ + similarity @ self.response_
        self.coef_, self.intercept_ = self._machine(self.blend_)

    def _class_scores(self, X: Floats) -> Floats:
        return X @ self.coef_.T + self.intercept_

    def _check_parameters(self) -> None:
        for name, choices in (
            ("distribution_kernel", ("mmd", "density")),
            ("regressor", ("krr", "msvr")),
            ("embedding", ("exact", "fourier")),
        ):
            value = getattr(self, name)
            if value not in choices:
                raise InputError(
                    f"TPT: {name} must be {' or '.join(map(repr, choices))}; got {value!r}."
                )
        for name, word in (("C", None), ("gamma", "median"), ("alpha", "loo")):
            value = getattr(self, name)
            if isinstance(value, str) and value == word:
                continue
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not (number and 0 < value < np.inf):
                either = "" if word is None else f"{word!r} or "
                raise InputError(f"TPT: {name} must be {either}a positive number; got {value!r}.")
        epsilon = self.epsilon
        if not (isinstance(epsilon, int | float | np.number) and 0 <= epsilon < np.inf):
            raise InputError(f"TPT: epsilon must be a number of at least 0; got {epsilon!r}.")
        n = self.n_frequencies
        if not isinstance(n, int | np.integer) or n < 1:
            raise InputError(f"TPT: n_frequencies must be a positive integer; got {n!r}.")


def _spread(K: Floats) -> float:
    """Give the mean of 1 - K_ij over the pairs of sources."""
    apart = 1 - K[np.triu_indices(len(K), 1)]
    return max(float(apart.mean()), _LEAST_SPREAD) if len(apart) else 1.0


def _parts(counts: NDArray[np.intp]) -> list[slice]:
    """Give the slice of each subject's rows."""
    ends = np.cumsum(counts).tolist()
    return [slice(end - count, end) for count, end in zip(counts.tolist(), ends, strict=True)]
