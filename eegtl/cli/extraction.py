"""Reading the recordings of a recipe and computing their features, with a line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .progress import Progress
from .say import say

if TYPE_CHECKING:
    from ..evaluation.recipe import Recipe
    from ..features import FeatureTable
    from ..recordings import Collection

#: how features are called where the line has room
_WORDS = {"de": "differential entropy", "cov": "covariances"}
#: channels beyond which covariances are computed only when they are asked for
_MANY_CHANNELS = 32


def describe(recipe: Recipe, collection: Collection) -> str:
    """Say in one line what the recordings of a recipe are and where they lie.

    Parameters
    ----------
    recipe : Recipe
    collection : Collection
        Its recordings.

    Returns
    -------
    str
    """
    from ..recordings.folders import find_folder

    card = collection.card
    assert card is not None, "collections that load() makes have a card"
    place = f"card: datasets/{card.name}"
    if card.folder is not None:
        place += f", files: {find_folder(card, recipe.data.root).absolute()}"
    return (
        f"{collection.name}: {collection.extent()}, {card.sfreq:g} Hz, "
        f"{len(collection.ch_names)} channels; "
        f"labels {' / '.join(map(str, card.labels))} ({place})"
    )


def with_features_of_methods(recipe: Recipe, collection: Collection) -> Recipe:
    """Add the features that the methods of a study read besides its own.

    Parameters
    ----------
    recipe : Recipe
    collection : Collection
        Its recordings; with more than 32 channels only methods that were asked for by name get
        features of their own, since covariances grow with the square of the channels.

    Returns
    -------
    Recipe
        For the extraction.
    """
    from ..evaluation import extra_features

    methods = recipe.study.methods
    extra = extra_features(methods, recipe.features.names)
    if extra and methods is None and len(collection.ch_names) > _MANY_CHANNELS:
        say(
            f"note: {', '.join(extra)} of {len(collection.ch_names)} channels would be large and "
            "is left out; name the methods that read it with --methods"
        )
        return recipe
    return recipe.with_features(extra)


def read_features(
    recipe: Recipe, collection: Collection, *, use_cache: bool
) -> tuple[FeatureTable, list[str]]:
    """Compute the features of a recipe or read them back, and print what happened.

    Parameters
    ----------
    recipe : Recipe
    collection : Collection
        Its recordings.
    use_cache : bool
        Whether features that are kept may be used, and new ones are kept.

    Returns
    -------
    table : FeatureTable
    notes : list of str
        Warnings of the extraction; printed, too.
    """
    from ..evaluation.feature_cache import FeatureCache, extract

    with Progress(_title(recipe)) as progress:
        if use_cache:
            found = FeatureCache().features(recipe, collection, progress)
            table, notes, cached = found.table, list(found.notes), found.cached
        else:
            (table, notes), cached = extract(recipe, collection, progress), False
        if cached:
            progress(len(collection), len(collection), "(cached)")
    for note in notes:
        say(f"note: {note}")
    for problem in table.info.get("skipped", []):
        say(f"left out: {problem}")
    return table, notes


def _title(recipe: Recipe) -> str:
    """Say in one line what is computed."""
    part = recipe.features
    chain = recipe.chain()
    smoothing = None if part.smoothing is None else part.smoothing.make()
    causal = chain.causal and (smoothing is None or smoothing.causal)
    words = [
        ", ".join(_WORDS.get(name, name) for name in part.names),
        f"{len(part.bands)} bands",
        f"{part.window:g} s windows" + ("" if part.step is None else f" every {part.step:g} s"),
    ]
    if chain.steps:
        words.append("after " + " > ".join(step.name for step in chain.steps))
    if smoothing is not None:
        words.append(f"smoothed by {smoothing.name}")
    return f"features: {', '.join(words)}, {'causal' if causal else 'not causal'}"
