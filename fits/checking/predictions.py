"""What the predictions of a study can tell: which parameters they feel, and where they do not change."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from engram import SimulationError

from ..family import MODELS, biology_of, instance_of, predictor_of
from ..objective import Objective
from ..study import FreeParameter, Study
from .finding import Finding

_GRID = 13  # values of a parameter, from bound to bound, at which predictions are compared


def check_parameters(study: Study) -> Iterator[Finding]:
    """Where each parameter starts, and on which scale it is searched."""
    for name, parameter in study.parameters.items():
        low, high = parameter.bounds
        if parameter.start in (low, high):
            message = f"is {parameter.start:g}, a bound ({low:g} to {high:g}), where a search may stay; start inside"
            yield Finding("warning", f"parameters.{name}.start", message)
        if parameter.scale == "linear" and low > 0 and high / low > 1000:
            message = f'spans {low:g} to {high:g} on a linear scale; scale = "log" searches such a range evenly'
            yield Finding("note", f"parameters.{name}.bounds", message)


def informed(study: Study) -> dict[str, tuple[set[str], set[str]]]:
    """For each model, the biology and the study's own parameters that some prediction feels."""
    found = {}
    for name in MODELS[study.family]:
        model = instance_of(name)
        coordinates = Objective([study], model, biology_of(model)).coordinates
        shared = {c.name for c in coordinates if c.study == "shared"}
        found[name] = shared, {c.name for c in coordinates if c.study != "shared"}
    return found


def check_predictions(study: Study) -> Iterator[Finding]:
    """Which parameters no prediction feels, ranges in which nothing changes, and more parameters than observations."""
    fitted = sum(o.kind != "shown" for o in study.observations)
    if not study.observations and study.trials:  # raw trials alone
        return
    if not fitted:
        message = "nothing is fitted, because every observation is only shown; give one a kind other than shown"
        yield Finding("warning", "observation", message)
        return
    try:
        felt = {model: own for model, (_, own) in informed(study).items()}
        for parameter in study.parameters.values():
            yield from _unfelt(parameter, felt, bool(study.trials))
            yield from _flat(study, parameter, felt)
    except (SimulationError, ValueError) as error:
        yield Finding("error", "parameters", f"within these bounds a prediction fails: {error}; narrow the bounds")
        return
    priors = sum(parameter.prior is not None for parameter in study.parameters.values())
    many = {model: len(own) for model, own in felt.items() if len(own) > fitted + priors}
    if many:
        counted = ", ".join(f"{number} under {model}" for model, number in many.items())
        message = f"are more ({counted}) than the fitted observations ({fitted}), so that some remain undetermined"
        yield Finding("warning", "parameters", f"{message}; fix some at published values, or give them a prior")


def _unfelt(parameter: FreeParameter, felt: dict[str, set[str]], has_trials: bool) -> Iterator[Finding]:
    without = [model for model, own in felt.items() if parameter.name not in own]
    key = f"parameters.{parameter.name}"
    if len(without) == len(felt) and has_trials:
        yield Finding("note", key, "changes no published result under any model; only the raw trials can feel it")
    elif len(without) == len(felt):
        message = "changes no prediction under any model, so that nothing can be learnt of it; observe what it changes"
        yield Finding("warning", key, f"{message}, or fix it to a number")
    elif without:
        yield Finding("note", key, f"changes no prediction under {' and '.join(without)}, which leaves it out")


def _flat(study: Study, parameter: FreeParameter, felt: dict[str, set[str]]) -> Iterator[Finding]:
    """Stretches of a parameter over which no prediction changes, the other parameters at their starts."""
    low, high = parameter.bounds
    grid = np.geomspace(low, high, _GRID) if parameter.scale == "log" else np.linspace(low, high, _GRID)
    grid = np.clip(grid, low, high)
    stretches: dict[str, list[str]] = {}
    for model, own in felt.items():
        if parameter.name not in own:
            continue
        predictor = predictor_of(study, instance_of(model))
        starts = {name: other.start for name, other in study.parameters.items()}
        predicted = [predictor({**starts, parameter.name: float(value)}, {}) for value in grid]
        same = [np.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in itertools.pairwise(predicted)]
        for first, last in _runs(same):
            stretches.setdefault(f"{grid[first]:.3g} and {grid[last]:.3g}", []).append(model)
    for between, models in stretches.items():
        message = (
            f"nothing is predicted to change between {between} under {' and '.join(models)} (the other parameters at "
            "their starts), so that a search that starts there cannot move; narrow the bounds if this is not wanted"
        )
        yield Finding("note", f"parameters.{parameter.name}.bounds", message)


def _runs(flags: list[bool]) -> list[tuple[int, int]]:
    """First and last grid point of each run of intervals without change."""
    runs = []
    start = -1
    for index, flag in enumerate([*flags, False]):
        if flag and start < 0:
            start = index
        elif not flag and start >= 0:
            runs.append((start, index))
            start = -1
    return runs
