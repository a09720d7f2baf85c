"""Raw trials in a joint fit: they stand in for the published results of their study.

The answers of everybody are counted by group of traces and outcome, as at the level "phase" of
:mod:`fits.trial_likelihood`. Each count is an observation of kind "cell", one outcome of a multinomial, so that fits,
profiles, simulations and recoveries take the study like any other. ln L differs from that of
:class:`fits.TrialPredictor` by Σ ln o! over all counts o, which no parameter changes.
"""

from __future__ import annotations

import dataclasses
import math

from engram.recall import RESPONSES
from engram.recall.response import LURE

from .study import Observation, Study, Term, rows_of
from .trial_layout import trial_layout
from .trial_likelihood import check_response, count_trials
from .trial_table import TrialError
from .trials import Trials


def with_trials(study: Study, trials: Trials) -> Study:
    """The study with the counts of its raw trials in place of its published results.

    Trials are taken as independent, given the parameters, which are one set for everybody: that people differ is not
    in this likelihood, and beside group means, whose standard errors hold it, it weighs more than it should. In the
    BIC of a fit a count is one observation. Timing is that of the design; with every item's own, fit the trials alone
    (:func:`fits.fit_trials`).

    Parameters
    ----------
    study : Study
        With a table ``[trials]`` and a response that has outcomes.
    trials : Trials
        Of that study; unanswered ones are left out, and counted in the notes of the observations.

    Raises
    ------
    TrialError
        Trials that the design cannot hold, or a response without outcomes, or without lures where there are some.

    Examples
    --------
    >>> import fits
    >>> study = fits.load_study("hennings_2021")
    >>> trials = fits.read_trials(None, study, missing="drop")  # doctest: +SKIP
    >>> fits.fit([fits.with_trials(study, trials), fits.load_study("nader_2000")], "LinearCapture")  # doctest: +SKIP
    """
    layout = trial_layout(study)
    check_response(study, bool((~trials.table["old"]).any()))
    data = count_trials(trials, study)
    terms = [Term(1.0, layout.condition, group, layout.at) for group in data.groups]
    for term in terms:
        if not rows_of(term, study.conditions[layout.condition]):
            raise TrialError(f"{study.path}: trials.at: {term.traces!r} has no Test at {layout.at:g} s; correct it")
    kinds = [(group, "", term) for group, term in zip(data.groups, terms, strict=True)]
    kinds += [(f"new {kind}", LURE, terms[0]) for kind in data.lures]  # what is said of new items no trace changes
    note = f"{len(trials.participants)} people, {int(trials.missing.missing.sum())} unanswered trials left out"
    found = []
    for (group, prefix, term), counts in zip(kinds, data.all, strict=True):
        n = int(counts.sum())
        for outcome, count in zip(RESPONSES[study.response].outcomes, counts, strict=True):
            if n:
                found.append(_cell(f"{group}: {outcome}", group, term, prefix + outcome, int(count), n, note))
    return dataclasses.replace(study, observations=tuple(found))


def _cell(name: str, group: str, term: Term, score: str, count: int, n: int, note: str) -> Observation:
    return Observation(
        name=name, kind="cell", terms=(term,), score=score, divide_by=1.0, value=count / n, error=math.nan,
        detected=None, n=n, measure="share of answers", unit="1", panel=group, x=score.removeprefix(LURE), x_unit="",
        source="raw trials", flag="C", note=note, count=count,
    )  # fmt: skip
