"""What fitting costs: the likelihood of raw trials, a start of the joint fit, a profile, a simulation of a recovery.

Of joint fits, three models with 64 starts each are measured, and the profiles of every fourth coordinate, which stand
for all. Recovery is measured by the simulation (200 of a model in 5 min is what is asked). ``--quick`` measures one
model with few starts, by the start and the parameter. Times are wall-clock, on all processors.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import fits
import fits.prediction
from fits.profile import profile
from fits.recovery import recover_parameters
from fits.trial_fit import fit_participants, fit_trials
from fits.trial_likelihood import TrialPredictor
from fits.trials import read_trials

from .measurement import Measurement, processor_time

_STARTS, _RECOVERIES, _EVERY = 64, 12, 4
_FEW, _FEW_PROFILED = 4, 8  # with --quick
MODELS = ("ThresholdCapture", "LinearCapture", "EncodingOnly")


def measure(quick: bool = False) -> Iterator[Measurement]:
    """Raw trials where ENGRAM_DATA names them, then the joint fit of all shipped studies."""
    if os.environ.get("ENGRAM_DATA"):
        yield from _trials(quick)
    studies = fits.study.load_shipped(fits.study.MEMORY)
    whole = 0.0
    for model in MODELS[:1] if quick else MODELS:
        fits.fit(studies[:1], model, starts=1)  # compiles
        starts = _FEW if quick else _STARTS
        begin = time.perf_counter()
        joint = fits.fit(studies, model, starts=starts)
        taken = time.perf_counter() - begin
        whole += taken
        yield Measurement("inference", f"joint fit, {model}", taken / starts, "s/start")
        every = [c.name_in_full for c in joint.objective.coordinates]
        names = every[:_FEW_PROFILED] if quick else every[::_EVERY]
        begin = time.perf_counter()
        profile(joint, names)
        taken = time.perf_counter() - begin
        whole += taken * len(every) / len(names)
        yield Measurement("inference", f"profiles of the joint fit, {model}", taken / len(names), "s/parameter")
        begin = time.perf_counter()
        recover_parameters(studies, model, n=_RECOVERIES, truth=joint, compared=0)
        taken = (time.perf_counter() - begin) / _RECOVERIES
        yield Measurement("inference", f"recovery, {model}", taken, "s/simulation", "<= 1.5")
    if not quick:
        yield Measurement("inference", f"joint fits of {_STARTS} starts, all profiles", whole, "s", "<= 300")


def _trials(quick: bool) -> Iterator[Measurement]:
    study = fits.load_study("hennings_2021")
    trials = read_trials(study=study, missing="drop")
    model = fits.prediction.model_class("ThresholdCapture")(nodes=fits.prediction.NODES)
    own = {parameter.name: parameter.start for parameter in study.parameters.values()}
    for level, target in (("phase", "<= 5"), ("item", "<= 300")):
        predictor = TrialPredictor(trials, study, model, level)
        taken = processor_time(lambda p=predictor: p.log_likelihood(own, {}), repeats=5)
        yield Measurement("inference", f"likelihood of Hennings' trials, {level} level", taken * 1e3, "ms", target)
    if not quick:
        group = fit_trials(trials, study, "ThresholdCapture", starts=2)
        begin = time.perf_counter()
        fit_participants(trials, study, "ThresholdCapture", group=group)
        yield Measurement("inference", "every participant of Hennings", time.perf_counter() - begin, "s", "<= 60")
