"""When a model shall not be adapted: evidence without labels, and a limit learnt on the sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: What `evidence_of` gives, in its order.
EVIDENCE = ("skew", "distance", "disagreement", "entropy")
_WORDS = {
    "skew": "the model finds the classes of the block as unequal as {:.2f}",
    "distance": "the block lies {:.1f} spreads between people away from them",
    "disagreement": "the adapted and the safe model disagree on {:.0%} of the block",
    "entropy": "the adapted model is unsure of the block ({:.0%} of the most)",
}
#: Standard errors by which a guard must have helped people left out.
_SURE = 2.0
#: Limits that are tried: quantiles of the evidence.
_QUANTILES = np.linspace(0.05, 0.95, 19)


@dataclass(frozen=True)
class Guard:
    """A rule that keeps a wearer from an adaptation that is expected to hurt.

    Attributes
    ----------
    evidence : str
        One of `EVIDENCE`; ``""`` for a guard that never keeps from anything.
    limit : float
        Beyond it the safe model is used.
    gain : float
        Score that it brought on people whom it was not learnt on, on average over all blocks.
    n_people : int
    """

    evidence: str = ""
    limit: float = np.inf
    gain: float = 0.0
    n_people: int = 0

    def fires(self, evidence: Floats) -> bool:
        """Say whether the safe model shall be used.

        Parameters
        ----------
        evidence : ndarray of shape (4,)

        Returns
        -------
        bool
        """
        if not self.evidence:
            return False
        return bool(evidence[EVIDENCE.index(self.evidence)] > self.limit)

    def words(self, evidence: Floats) -> str:
        """Say why it fires, or that it does not.

        Parameters
        ----------
        evidence : ndarray of shape (4,)

        Returns
        -------
        str
        """
        if not self.evidence:
            return (
                f"no sign told on {self.n_people} source people when adapting hurts: nothing is "
                "held back"
            )
        value = float(evidence[EVIDENCE.index(self.evidence)])
        said = _WORDS[self.evidence].format(value)
        beyond = "more" if self.fires(evidence) else "not more"
        return f"{said}, {beyond} than the limit learnt on {self.n_people} source people"


def evidence_of(
    safe: Any, adapted: Any, X: Floats, mean: Floats, spread: Floats, prior: Floats
) -> Floats:
    """Gather what tells, without labels, whether an adaptation may hurt.

    Parameters
    ----------
    safe, adapted : classifier
        With the same classes; the adapted one was adapted to the block.
    X : ndarray of shape (n_rows, n_features)
        The block.
    mean, spread : ndarray of shape (n_features,)
        Mean over the source people's means, and their standard deviation.
    prior : ndarray of shape (n_classes,)
        Class mix of the sources.

    Returns
    -------
    ndarray of shape (4,)
        In the order of `EVIDENCE`: how far the adapted model's mean posterior is from the prior
        (total variation); distance of the block's mean from the people's, root mean square in
        spreads between people; share of rows on which the models disagree; mean entropy of the
        adapted model, as a share of the most.
    """
    own, plain = adapted.predict_proba(X), safe.predict_proba(X)
    skew = 0.5 * np.abs(own.mean(axis=0) - prior).sum()
    apart = (X.mean(axis=0) - mean) / np.where(spread > 0, spread, np.inf)
    entropy = -np.sum(own * np.log(np.maximum(own, 1e-300)), axis=1).mean()
    return np.array(
        [
            skew,
            np.sqrt(np.mean(apart**2)),
            np.mean(own.argmax(axis=1) != plain.argmax(axis=1)),
            entropy / np.log(own.shape[1]),
        ]
    )


def learn_guard(evidence: Floats, adapted: Floats, safe: Floats, people: Sequence[Any]) -> Guard:
    """Learn which evidence, beyond which limit, tells that the safe model is better.

    Parameters
    ----------
    evidence : ndarray of shape (n_cases, 4)
        Of blocks of source people, each of whom played the wearer.
    adapted, safe : ndarray of shape (n_cases,)
        What the models scored there.
    people : sequence of shape (n_cases,)
        Whose block it was; blocks of one person are left out together.

    Returns
    -------
    Guard
        The rule that scores best on average over people; it is kept only if, learnt on all people
        but one and used on that one, it raises the mean score by more than two standard errors.

    Examples
    --------
    >>> evidence = np.zeros((40, 4))
    >>> evidence[:, 0] = np.tile([0.1, 0.6], 20)
    >>> adapted = np.tile([0.8, 0.4], 20)
    >>> guard = learn_guard(evidence, adapted, np.full(40, 0.6), np.repeat(np.arange(20), 2))
    >>> guard.evidence, 0.1 <= guard.limit < 0.6, round(guard.gain, 3)
    ('skew', True, 0.1)
    """
    usable = np.isfinite(evidence).all(axis=1) & np.isfinite(adapted) & np.isfinite(safe)
    evidence, gain = evidence[usable], (safe - adapted)[usable]
    names, codes = np.unique(np.asarray(people)[usable], return_inverse=True)
    n = len(names)
    if n < 3:
        return Guard(n_people=n)
    weights = 1.0 / np.bincount(codes)[codes]  # each person counts once
    brought = np.zeros(n)
    for person in range(n):
        others = codes != person
        rule = _best_rule(evidence[others], gain[others], weights[others])
        if rule is not None:
            mine = ~others
            brought[person] = np.mean(gain[mine] * (evidence[mine, rule[0]] > rule[1]))
    rule = _best_rule(evidence, gain, weights)
    mean, error = brought.mean(), brought.std(ddof=1) / np.sqrt(n)
    if rule is None or not mean > _SURE * error:
        return Guard(n_people=n)
    return Guard(EVIDENCE[rule[0]], float(rule[1]), float(mean), n)


def _best_rule(evidence: Floats, gain: Floats, weights: Floats) -> tuple[int, float] | None:
    """Find the evidence and the limit beyond which the safe model gains most; None for none."""
    best, found = 1e-12, None
    weighted = weights * gain
    for column in range(evidence.shape[1]):
        values = evidence[:, column]
        falling = np.argsort(-values, kind="stable")
        total = np.concatenate([[0.0], np.cumsum(weighted[falling])])
        limits = np.unique(np.quantile(values, _QUANTILES))
        beyond = len(values) - np.searchsorted(values[falling[::-1]], limits, side="right")
        first = int(np.argmax(total[beyond]))
        if total[beyond[first]] > best:
            best, found = float(total[beyond[first]]), (column, float(limits[first]))
    return found


def learn_guards(
    names: Sequence[str],
    sees: Sequence[str],
    evidence: Floats,
    scores: Floats,
    safe: Floats,
    people: NDArray[np.int64],
) -> dict[str, Guard]:
    """Learn a guard for each candidate that adapts without labels.

    Parameters
    ----------
    names, sees : sequence of str
        Of the candidates.
    evidence : ndarray of shape (n_candidates, n_kinds, n_lengths, n_sittings, 4)
    scores, safe : ndarray of shape (n_candidates, n_kinds, n_lengths, n_sittings)
        Of the candidate, and of the safe model on the same rows.
    people : ndarray of shape (n_sittings,)
        Whose each sitting is.

    Returns
    -------
    dict of str to Guard
    """
    blocks = int(np.prod(scores.shape[1:3]))
    whose = np.tile(people, blocks).tolist()
    return {
        name: learn_guard(
            evidence[i].reshape(-1, len(EVIDENCE)),
            scores[i].reshape(-1),
            safe[i].reshape(-1),
            whose,
        )
        for i, name in enumerate(names)
        if sees[i] in ("unlabelled", "mix", "baseline")
    }


def guard_to_tree(guard: Guard) -> dict[str, Any]:
    """Give a guard as plain values."""
    return dict(vars(guard))


def guard_from_tree(tree: Mapping[str, Any]) -> Guard:
    """Give a guard of plain values; `TypeError` or `ValueError` for what is none."""
    name, limit = tree["evidence"], tree["limit"]
    if name not in ("", *EVIDENCE):
        raise ValueError(f"{name!r} is no evidence")
    return Guard(str(name), float(limit), float(tree["gain"]), int(tree["n_people"]))
