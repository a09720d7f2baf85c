"""Inference about people: likelihoods and gradients of trials, EM, calibrated intervals, prediction from connectomes.

Needs the trials of Hennings 2021 (ENGRAM_DATA). Times of likelihoods are processor time of the thread, warm; those of
EM and prediction are what a user waits for, on all processors. ``--quick`` leaves out what takes more than seconds.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import fits.prediction
from engram.recall import OrderedConfidence, ordered_kernels
from fits.execution import processes
from fits.individual import predict_behaviour
from fits.people.calibration import person_calibration, simulate_people
from fits.people.fit import PeopleFit, fit_likelihood, fit_people
from fits.people.likelihood import PeopleLikelihood
from fits.study import load_study
from fits.trials import read_trials

from .inference import MODELS
from .measurement import Measurement, Skipped, processor_time

_PART = "people"
_MANY, _TRIALS = 1498, 60
_LITTLE_KNOWN = ("encoding_gain", "arousal_after")  # of a person with so few trials
_SIMULATED = 4000  # people, of whose intervals is counted how many hold the truth


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Response likelihood; gradients; EM of Hennings and of many simulated people; coverage; connectomes."""
    yield _response()
    if not quick:
        yield from _connectomes()
    if not os.environ.get("ENGRAM_DATA"):
        raise Skipped("needs the trials of Hennings 2021: set ENGRAM_DATA to the folder that contains hennings_2021/")
    study = load_study("hennings_2021")
    trials = read_trials(study=study, missing="drop")
    for model in MODELS:
        instance = fits.prediction.model_class(model)(nodes=fits.prediction.NODES)
        yield _gradient(PeopleLikelihood(trials, study, instance), model)
    if quick:
        return
    for model in MODELS:
        for draws, said in ((0, ", modes alone"), (128, "")):
            fit, taken = _timed(lambda draws=draws, model=model: fit_people(trials, study, model, draws=draws))
            yield Measurement(_PART, f"EM of Hennings' {len(fit.evidence)} people, {model}{said}", taken, "s", "<= 60")
    yield from _many(fit)  # of the last, encoding only
    yield from _coverage(fit)


def _response() -> Measurement:
    """Trials a second of the response likelihood, given strengths."""
    rng = np.random.default_rng(1)
    response = OrderedConfidence(sensitivity=3.0, sd_old=1.25)
    strengths, levels = rng.uniform(0, 1, 100_000), rng.integers(0, 4, 100_000)
    criteria = response.criteria.astype(float)
    taken = processor_time(lambda: ordered_kernels.log_likelihood(strengths, levels, 3.0, 1.25, criteria))
    return Measurement(_PART, "response likelihood", 0.1 / taken, "million trials/s", ">= 2")


def _gradient(likelihood: PeopleLikelihood, model: str) -> Measurement:
    """Gradient and information of a person, in units of parameters x the person's likelihood."""
    eta = likelihood.scale.starts
    alone = processor_time(lambda: [likelihood.log_likelihood(0, eta) for _ in range(20)])
    whole = processor_time(lambda: [likelihood.evaluate(0, eta) for _ in range(20)])
    return Measurement(_PART, f"gradient, {model}", whole / (alone * len(eta)), "x parameters x L", "<= 3")


def _many(fit: PeopleFit) -> Iterator[Measurement]:
    """EM of many people who are simulated from the population of Hennings, with few trials each, in processes."""
    groups, outcomes = fit.likelihood.old[0].shape
    old, new = np.zeros((groups, outcomes)), np.zeros_like(fit.likelihood.lures[0])
    old[:, 0], new[:, 0] = _TRIALS // 2 // groups, _TRIALS // 2 // len(new)
    rng = np.random.default_rng(1)
    population = fit.population
    etas = rng.normal(population.effects[:, 0], population.spread, (_MANY, len(population.spread)))
    people = simulate_people(fit.likelihood.with_counts([old], [new]), etas, rng)
    given = int(old.sum() + new.sum())
    with processes() as pool:
        for draws, said in ((128, ""), (32, ", draws=32"), (0, ", modes alone")):
            found, taken = _timed(lambda draws=draws: fit_likelihood(people, draws=draws, workers=pool))
            yield Measurement(_PART, f"EM of {_MANY} people x {given} trials, {fit.model}{said}", taken, "s", "<= 120")
            shares = found.population.spread / etas.std(axis=0)
            for name, share in zip(people.scale.names, shares, strict=True):
                if name in _LITTLE_KNOWN:
                    yield Measurement(_PART, f"spread of {name} over that simulated, {_MANY} people{said}", share, "1")


def _coverage(fit: PeopleFit) -> Iterator[Measurement]:
    summary = person_calibration(fit.likelihood, fit.population, n=_SIMULATED, seed=1).summary
    yield Measurement(
        _PART, f"coverage of people's intervals, lowest of {len(summary)}", summary.coverage.min(), "share"
    )
    yield Measurement(
        _PART, "coverage is .95, binomial test, least p (Holm)", summary.p_coverage_holm.min(), "1", ">= 0.05"
    )
    yield Measurement(_PART, "uniform ranks, least p (Holm)", summary.p_uniform_holm.min(), "1", ">= 0.05")


def _connectomes() -> Iterator[Measurement]:
    """The whole procedure on noise of full size, with a thousand permutations."""
    rng = np.random.default_rng(1)
    edges = rng.standard_normal((_MANY, 35_778), dtype=np.float32)
    behaviour = rng.normal(size=_MANY)
    _, taken = _timed(lambda: predict_behaviour(edges, behaviour, folds=10, permutations=1000))
    yield Measurement(_PART, "connectomes, 10 folds, 1000 permutations", taken, "s", "<= 600")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KB
    yield Measurement(_PART, "memory of this process, at most", peak / 1e6, "GB", "<= 4")


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    found = call()
    return found, time.perf_counter() - begin
