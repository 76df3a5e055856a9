"""What a row of a study is: which method, behind which normalisation, before which classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sklearn.dummy import DummyClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from .._checks import highest_information
from ..errors import StudyError
from ..transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline
from .information import needs_of
from .views import NOWHERE, Layout


def small_mlp(seed: int) -> MLPClassifier:
    """Build a network of one hidden layer with 64 rectified units.

    Its 50 passes over the source rows (Adam, L2 penalty 1e-3) are fixed beforehand: stopping on
    any score would have to be tuned without the target.

    Parameters
    ----------
    seed : int
        Seed of the start weights and of the batches.

    Returns
    -------
    sklearn.neural_network.MLPClassifier

    Examples
    --------
    >>> small_mlp(0).hidden_layer_sizes
    (64,)
    """
    epochs = 50
    return MLPClassifier(
        (64,), alpha=1e-3, max_iter=epochs, n_iter_no_change=epochs, random_state=seed
    )


#: Classifiers that a method may end in; each is built from the study's seed.
CLASSIFIERS: dict[str, Callable[[int], Any]] = {
    "lda": lambda seed: default_classifier(),
    "svm": lambda seed: LinearSVC(C=0.1, dual=False),
    "mlp": small_mlp,
    "most frequent": lambda seed: DummyClassifier(strategy="most_frequent"),
}


@dataclass(frozen=True)
class Method:
    """One method of a study, to be run behind each of its normalisations.

    Parameters
    ----------
    name : str
        As the table shows it.
    family : str
        What `--methods` calls it; variants of one method share it.
    normalizations : tuple of str
        ``none`` or modes of `SubjectNormalizer`; one row of the table each.
    step : callable, optional
        Takes the seed, gives the aligner, selector or transfer classifier, or a list of such
        steps; with `view` it takes the seed and the `Layout` of the view.
    classifier : str, optional
        Key of `CLASSIFIERS` for the plain classifier at the end; None when `step` is itself a
        classifier.
    role : {"source-only", "transfer", "reference"}
        Source-only rows are what transfer rows are compared with; references stand alone.
    uses : str, optional
        Information level that the method asks for beyond what its estimator needs.
    always : bool
        Whether the rows are shown whatever methods are chosen.
    shuffled : bool
        Whether it is trained and scored with shuffled labels, and repeated; of its
        normalisations the first that the information set allows is used.
    grid : mapping of str to tuple, optional
        Values of the step's parameters that a tuned row tries (see `run_study`).
    view : tuple of str
        Features that the method reads in place of those that the study is about.
    baseline : str, optional
        Names the source-only row to compare with (the `classifier` of its record); by default
        the one that ends in the same `classifier`.
    inside : bool
        Whether the step itself normalises its parts, so that nothing is put in front of it; the
        table shows the normalisation all the same.

    Examples
    --------
    >>> Method("tca", "tca", ("z2",), step=lambda seed: TCA(5)).rows()[0].key
    'tca [z2]'
    """

    name: str
    family: str
    normalizations: tuple[str, ...]
    step: Callable[..., Any] | None = None
    classifier: str | None = "lda"
    role: str = "transfer"
    uses: str | None = None
    always: bool = False
    shuffled: bool = False
    grid: Mapping[str, tuple[Any, ...]] | None = field(default=None, hash=False)
    view: tuple[str, ...] = ()
    baseline: str | None = None
    inside: bool = False

    def __post_init__(self) -> None:
        if self.grid is not None and self.step is None:
            raise StudyError(
                f"the method {self.name!r} has a grid for {', '.join(self.grid)}, but no step "
                "whose parameters they are. Give it a step, or leave the grid out."
            )

    @property
    def compared_with(self) -> str | None:
        """What it shares with the source-only method that it is compared with."""
        return self.baseline or self.classifier

    def make_steps(self, seed: int, layout: Layout = NOWHERE) -> list[Any]:
        """Build the method's own steps.

        Parameters
        ----------
        seed : int
            The study's seed.
        layout : Layout
            Of the method's view.

        Returns
        -------
        list of estimator
            Empty for a plain classifier.
        """
        if self.step is None:
            return []
        made = self.step(seed, layout) if self.view else self.step(seed)
        return made if isinstance(made, list) else [made]

    def build(self, normalization: str, seed: int, layout: Layout = NOWHERE) -> Any:
        """Build the unfitted estimator of one row.

        Parameters
        ----------
        normalization : str
            One of `normalizations`.
        seed : int
            The study's seed.
        layout : Layout
            Of the method's view.

        Returns
        -------
        transfer estimator
        """
        steps: list[Any] = []
        if normalization != "none" and not self.inside:
            steps.append(SubjectNormalizer(normalization))
        steps += self.make_steps(seed, layout)
        if self.classifier is not None:
            steps.append(CLASSIFIERS[self.classifier](seed))
        return make_transfer_pipeline(*steps)

    def rows(self, layout: Layout = NOWHERE) -> list[StudyRow]:
        """Give one row for each normalisation.

        Parameters
        ----------
        layout : Layout
            Of the method's view in the table that is studied.

        Returns
        -------
        list of StudyRow
        """
        return [
            StudyRow(
                self.name,
                normalization,
                partial(self.build, normalization, layout=layout),
                self.compared_with,
                role=self.role,
                uses=self.uses,
                shuffled=self.shuffled,
                view=self.view,
            )
            for normalization in self.normalizations
        ]


@dataclass(frozen=True)
class StudyRow:
    """One row of a study's table.

    Parameters
    ----------
    name : str
        Method, as the table shows it.
    normalization : str
        ``none`` or a mode of `SubjectNormalizer`, as the table shows it.
    build : callable
        Takes the study's seed and gives a fresh, unfitted transfer estimator.
    classifier : str, optional
        Names the source-only row to compare with, which has the same.
    role : {"source-only", "transfer", "reference"}
        As in `Method`.
    uses : str, optional
        As in `Method`.
    shuffled : bool
        As in `Method`.
    search : dict, optional
        Facts of the search inside: ``criterion`` and ``n_configurations``.
    view : tuple of str
        As in `Method`.
    """

    name: str
    normalization: str
    build: Callable[[int], Any]
    classifier: str | None = None
    role: str = "transfer"
    uses: str | None = None
    shuffled: bool = False
    search: dict[str, Any] | None = None
    view: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The row's name in the results store."""
        return f"{self.name} [{self.normalization}]"

    def level(self, estimator: Any) -> str:
        """Say which information level the row is handed.

        Parameters
        ----------
        estimator : transfer estimator
            As `build` gives it.

        Returns
        -------
        {"inductive", "unlabelled", "labelled"}
        """
        return highest_information(needs_of(estimator), self.uses or "inductive")
