"""Studies with observed values drawn from the likelihood at known parameters.

mean       normal about the prediction with its standard error
detected   found in the expected direction, or not significant, in the ratio of their likelihoods. A test can also come
           out significant in the other direction (at most 2.5 % of the time unless the prediction itself points
           there), which no observation can hold: such a draw is taken again, and all draws are from the likelihood
           normalised over what can be observed.
counts     binomial
cell       multinomial over the adjacent cells of one group: the same terms and n, each score once
shown      as it is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import expit

from .estimation import Fit
from .likelihood import log_likelihoods
from .objective import Objective
from .study import Observation, Study

_SUM = 1e-6  # by how much the probabilities of a multinomial may miss 1


def simulate(
    source: Objective | Fit, position: np.ndarray | None = None, *, seed: int | np.random.SeedSequence
) -> tuple[Study, ...]:
    """The same studies with observed values drawn from the likelihood at a position.

    Parameters
    ----------
    source : Objective or Fit
    position : array, optional
        Parameters on the search scale, (coordinates,); the optimum of a fit by default.
    seed : int or SeedSequence
        Study ``k`` draws from the ``k``-th child of the seed, so that it does not depend on the others.

    Raises
    ------
    ValueError
        No position for an objective, one of the wrong length or outside the bounds, or cells that make up no
        multinomial.

    Examples
    --------
    >>> import fits
    >>> from fits.simulation import simulate
    >>> result = fits.fit([fits.load_study("nielson_powless_2007")], "EncodingOnly", starts=1, shared=False)
    >>> (study,) = simulate(result, seed=1)
    >>> study.id, len(study.observations)
    ('nielson_powless_2007', 4)
    """
    if isinstance(source, Fit):
        objective, place = source.objective, source.position if position is None else position
    elif position is None:
        raise ValueError("no position to simulate at; give one for an objective, or a fit, which holds its own")
    else:
        objective, place = source, position
    place = checked_position(objective, place)
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    studies = []
    for index, study in enumerate(objective.studies):
        # made rather than spawned, which would change the sequence that the caller gave
        child = np.random.SeedSequence(sequence.entropy, spawn_key=(*sequence.spawn_key, index))
        predicted = objective.predict(index, place[objective.columns[index]])
        studies.append(replace(study, observations=draw(study.observations, predicted, np.random.default_rng(child))))
    return tuple(studies)


def checked_position(objective: Objective, position: np.ndarray) -> np.ndarray:
    """The position as an array; ``ValueError`` where it has the wrong length or lies outside the bounds."""
    place = np.asarray(position, dtype=float)
    if place.shape != (len(objective.coordinates),):
        raise ValueError(f"position has shape {place.shape}; give one number for each of "
                         f"{len(objective.coordinates)} coordinates")  # fmt: skip
    for coordinate, x, (low, high) in zip(objective.coordinates, place, objective.bounds, strict=True):
        margin = 1e-9 * (high - low)
        if not low - margin <= x <= high + margin:
            raise ValueError(f"{coordinate.name_in_full} is {x:g} on the search scale ({coordinate.scale}); "
                             f"it must lie between {low:g} and {high:g}")  # fmt: skip
    return place


def draw(
    observations: Sequence[Observation], predicted: np.ndarray, rng: np.random.Generator
) -> tuple[Observation, ...]:
    """Observations drawn from the likelihood of their predictions, (observations,)."""
    drawn = list(observations)
    for k, observation in enumerate(observations):
        if observation.kind == "mean":
            drawn[k] = replace(observation, value=float(rng.normal(predicted[k], observation.error)))
        elif observation.kind == "detected":
            drawn[k] = replace(observation, detected=bool(rng.random() < found_probability(observation, predicted[k])))
        elif observation.kind == "counts":
            probability = float(np.clip(predicted[k], 0.0, 1.0))
            drawn[k] = replace(observation, count=int(rng.binomial(observation.n or 0, probability)))
    for group in cell_groups(observations):
        probabilities = predicted[group]
        if abs(probabilities.sum() - 1) > _SUM or (probabilities < -_SUM).any():
            names = ", ".join(repr(observations[k].name) for k in group)
            raise ValueError(f"the predicted probabilities of the cells {names} add up to {probabilities.sum():g}; "
                             "give every cell of the multinomial, side by side")  # fmt: skip
        probabilities = np.clip(probabilities, 0.0, None)
        counts = rng.multinomial(observations[group[0]].n or 0, probabilities / probabilities.sum())
        for k, count in zip(group, counts, strict=True):
            drawn[k] = replace(observations[k], count=int(count))
    return tuple(drawn)


def found_probability(observation: Observation, predicted: float) -> float:
    """Probability that an effect is found in the expected direction, given that it is not in the other."""
    pair = [replace(observation, detected=True), replace(observation, detected=False)]
    found, missed = log_likelihoods(pair, np.array([predicted, predicted]))
    return float(expit(found - missed))


def cell_groups(observations: Sequence[Observation]) -> list[list[int]]:
    """Which adjacent cells make up one multinomial: places in ``observations``, a list for each."""
    groups: list[list[int]] = []
    for k, observation in enumerate(observations):
        if observation.kind != "cell":
            continue
        last = observations[groups[-1][-1]] if groups else None
        if (
            last is not None
            and groups[-1][-1] == k - 1
            and (last.terms, last.n) == (observation.terms, observation.n)
            and observation.score not in {observations[j].score for j in groups[-1]}
        ):
            groups[-1].append(k)
        else:
            groups.append([k])
    return groups
