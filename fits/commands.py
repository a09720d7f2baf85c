"""The long commands, ``reproduce``, ``fit`` and ``recover``: what is finished survives an interrupt."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from .comparison import compare
from .diagnostics import residual_figure, residual_table, study_influence
from .drawing import save_figure
from .estimation import Fit, FitError, fit
from .family import MODELS as FAMILIES
from .findings import preference
from .joint_trials import with_trials
from .model_recovery import recover_models
from .output_folder import check_folder, output_folder
from .profile import profile
from .progress import Progress
from .random_effects import model_frequencies
from .recovery import profile_intervals, recover_parameters
from .report import write_report
from .reproduce import MODELS, QUICK_STARTS, STARTS, provenance, reproduce
from .results import write_fit
from .sections.section import FITTED, NETWORKS, PEOPLE, QUICK, Sizes
from .simulation_figures import confusion_figure, coverage_figure, recovery_figure
from .storage import Checkpoint, save, task_of
from .study import MEMORY, VISION, Study, load_shipped
from .thorough import write_sections
from .trial_fit import TrialFit, fit_participants, fit_trials
from .trial_table import TrialError
from .trials import Trials, read_trials

_SIMULATIONS, _TRUTHS = 200, 0.1  # of a recovery: how many, and how far from the fit


class Interrupted(KeyboardInterrupt):
    """An interrupt after which something is kept: the message says what and how to go on."""


def run_reproduce(options: argparse.Namespace) -> None:
    """Everything in the report; with ``--thorough`` and ``--networks`` its long sections as well, else as stored."""
    starts = options.starts or (QUICK_STARTS if options.quick else STARTS)
    shared: dict[str, Any] = dict(
        starts=starts, seed=options.seed, workers=options.workers, command=options.command_line
    )
    families = ((*FITTED, PEOPLE) if options.thorough else ()) + ((NETWORKS,) if options.networks else ())
    if not families:
        with output_folder(options.out, options.command) as folder:
            results = reproduce(**shared)
            write_report(folder, results)
    else:
        sizes = QUICK if options.quick else Sizes()
        studies = load_shipped(MEMORY) + load_shipped(VISION)
        task = task_of(
            studies, [*MODELS, *FAMILIES[VISION]], starts=starts, seed=options.seed, sizes=dataclasses.asdict(sizes),
            families=families,
        )  # fmt: skip
        joint_starts = sizes.joint_starts if options.thorough else None
        with kept(options, task) as checkpoint, output_folder(options.out, options.command) as folder:
            results = reproduce(**shared, studies=studies, joint_starts=joint_starts, checkpoint=checkpoint)
            for name, reason in write_sections(folder / "sections", results, sizes, checkpoint, families).items():
                print(f"engram: the section on {name} is shown as stored, not computed: {reason}", file=sys.stderr)
            write_report(folder, results)
            checkpoint.remove()
    for name, table in results.comparisons.items():
        print(f"{name}: {preference(table)}")
    print(f"\nThe report is {os.path.join(options.out, 'report.html')}")


def run_fit(options: argparse.Namespace, studies: Sequence[Study], models: Sequence[str]) -> None:
    """Fit, write tables and figures, and print what matters."""
    trials = None
    if options.trials is not None:
        studies, trials = _standing_in(options, studies)
    free = options.free if options.free is not None else len(studies) > 1
    starts = options.starts or STARTS
    task = task_of(studies, models, starts=starts, seed=options.seed, free=free, priors=options.priors)
    fits: list[Fit] = []
    profiles: list[pandas.DataFrame] = []
    with kept(options, task) as checkpoint, output_folder(options.out, options.command) as folder:
        progress = Progress(len(models) * starts * (2 if options.profiles else 1))
        try:
            for model in models:
                done = checkpoint.done(model)
                with progress.part(f"fitting {model}", starts, starts):
                    for _ in done:
                        progress.finished()
                    fits.append(
                        fit(studies, model, starts=starts, seed=options.seed, workers=options.workers, shared=free,
                            priors=options.priors, progress=progress.finished, done=done,
                            keep=keeper(checkpoint, model))
                    )  # fmt: skip
                if options.priors and not len(fits[-1].objective.prior_terms[0]):
                    print(f"engram: --priors changes nothing for {model}: no study file gives a parameter a prior, "
                          "and no biology is estimated (--free-biology)", file=sys.stderr)  # fmt: skip
                if options.profiles:
                    part = f"profiles of {model}"
                    ended = checkpoint.done(part)
                    if not ended:
                        with progress.part(part, starts, max(1, len(fits[-1].estimates))):
                            found = profile(fits[-1], workers=options.workers, progress=progress.finished)
                        checkpoint.keep(part, 0, found.intervals.to_dict("list"))
                        ended = checkpoint.done(part)
                    profiles.append(pandas.DataFrame(ended[0]).assign(model=model))
        finally:
            progress.close()
        made = provenance(options.command_line, starts, options.seed, options.workers)
        write_fit(folder, studies, fits, made)
        save(fits, folder)
        if trials is not None:
            write_missing(trials, folder)
        _write(pandas.concat([residual_table(one).assign(model=one.model) for one in fits]), folder / "residuals.csv")
        for one in fits:
            save_figure(residual_figure(one), folder, f"residuals-{one.model}")
        if len(studies) > 1:
            pulls = [study_influence(one).assign(model=one.model) for one in fits]
            _write(pandas.concat(pulls), folder / "influence.csv")
        if profiles:
            _write(pandas.concat(profiles, ignore_index=True), folder / "profiles.csv")
        checkpoint.remove()
    if trials is not None:
        print_counts(trials)
    for result in fits:
        print(_summary(result))
    for table in profiles:
        print(f"Profile-likelihood intervals (95 %), {table.model.iloc[0]}:")
        print(f"{_table(table[['study', 'parameter', 'estimate', 'lower', 'upper', 'unit', 'verdict']])}\n")
    if len(fits) > 1:
        table = compare(fits)
        print(table.to_string(index=False, float_format="{:.2f}".format))
        print(f"{preference(table)}\n")
    print(f"Tables and figures are in {options.out}; fits.load({options.out!r}) brings the fits back")


def run_trials(options: argparse.Namespace, study: Study, models: Sequence[str]) -> None:
    """Fit raw trials: everybody together and, where asked for, every participant."""
    trials = read_trials(options.trials or None, study, missing=options.missing, skip_broken=options.skip_broken)
    starts = options.starts or STARTS
    fits: list[TrialFit] = []
    with output_folder(options.out, options.command) as folder:
        progress = Progress(len(models) * starts)
        try:
            for model in models:
                with progress.part(f"fitting {model}, {options.level} level", starts, starts):
                    fits.append(fit_trials(trials, study, model, level=options.level, starts=starts, seed=options.seed,
                                           workers=options.workers, progress=progress.finished))  # fmt: skip
            people = []
            for one in fits if options.participants else ():
                with progress.part(f"every participant, {one.model}"):
                    found = fit_participants(trials, study, one.model, group=one, workers=options.workers)
                people.append(found.assign(model=one.model))
        finally:
            progress.close()
        for name in ("estimates", "starts", "groups"):
            parts = [getattr(one, name).assign(model=one.model) for one in fits]
            _write(pandas.concat(parts, ignore_index=True), folder / f"{name}.csv")
        write_missing(trials, folder)
        if people:
            _write(pandas.concat(people, ignore_index=True), folder / "participants.csv")
            frequencies = _frequencies(fits, people)
            _write(frequencies, folder / "model-frequencies.csv")
    print_counts(trials)
    for one in fits:
        print(f"{one.model}, {one.level} level: log-likelihood {one.log_likelihood:.2f}, {one.n_parameters} "
              f"parameters, AIC {2 * one.n_parameters - 2 * one.log_likelihood:.2f}, {one.seconds:.1f} s")  # fmt: skip
        print(f"{_table(one.estimates[['parameter', 'estimate', 'standard_error', 'unit', 'verdict']])}\n")
    if people and len(fits) > 1:
        print("How frequent the models are among people (random effects over BIC of each participant's fit)")
        print(f"{_table(frequencies)}\n")
    print(f"Tables are in {options.out}")


def _standing_in(options: argparse.Namespace, studies: Sequence[Study]) -> tuple[list[Study], Trials]:
    """The studies, of which the one with ``[trials]`` has the counts of its raw trials for results; the trials."""
    having = [study for study in studies if study.trials]
    if len(having) != 1:
        named = ", ".join(study.id for study in having) or "none of these studies"
        raise TrialError(f"--trials: {named} has a table [trials]; name one study that has, and others without")
    (own,) = having
    trials = read_trials(
        options.trials or None, own, missing=options.missing or "error", skip_broken=options.skip_broken
    )
    return [with_trials(study, trials) if study is own else study for study in studies], trials


def write_missing(trials: Trials, folder: Path) -> None:
    """How many answers are missing, and who was left out."""
    _write(trials.missing.reset_index(), folder / "missing.csv")
    if trials.skipped:
        _write(pandas.DataFrame(trials.skipped, columns=["participant", "reason"]), folder / "skipped.csv")


def print_counts(trials: Trials) -> None:
    """The same in words."""
    answered, unanswered = trials.missing[["answered", "missing"]].sum()
    people = f"{len(trials.participants)} participant{'s' * (len(trials.participants) != 1)}"
    print(f"{people}, {answered} answered trials, {unanswered} unanswered\n")
    for name, reason in trials.skipped:
        print(f"participant {name!r} is left out: {reason}\n")


def _frequencies(fits: Sequence[TrialFit], people: Sequence[pandas.DataFrame]) -> pandas.DataFrame:
    """Random-effects comparison over −BIC/2 of every participant; one row where there is one model."""
    if len(fits) < 2:
        return pandas.DataFrame({"model": [fits[0].model], "frequency": [1.0]})
    evidences = {
        one.model: own.set_index("participant").log_likelihood
        - 0.5 * one.n_parameters * np.log(own.set_index("participant").n_trials)
        for one, own in zip(fits, people, strict=True)
    }
    found = model_frequencies(pandas.DataFrame(evidences))
    return found.table.assign(omnibus_risk=found.omnibus_risk)


def run_recover(options: argparse.Namespace, studies: Sequence[Study], models: Sequence[str]) -> None:
    """Simulate and refit: are parameters recovered, and models told apart?"""
    free = options.free if options.free is not None else len(studies) > 1
    intervals = options.intervals or ("error" if free else "profile")
    n, spread = options.n or _SIMULATIONS, _TRUTHS if options.spread is None else options.spread
    task = task_of(studies, models, n=n, seed=options.seed, free=free, spread=spread, intervals=intervals)
    shared: dict[str, Any] = dict(seed=options.seed, workers=options.workers, shared=free, spread=spread)
    with kept(options, task) as checkpoint, output_folder(options.out, options.command) as folder:
        progress = Progress(n * (len(models) + (len(models) ** 2 if len(models) > 1 else 0)))
        recoveries = []
        try:
            for model in models:
                with progress.part(f"recovering {model}", n, n):
                    recoveries.append(
                        recover_parameters(studies, model, n=n, progress=progress.finished,
                                           interval=profile_intervals if intervals == "profile" else None,
                                           done=checkpoint.done(model), keep=keeper(checkpoint, model), **shared)
                    )  # fmt: skip
            if len(models) > 1:
                with progress.part("telling models apart", n * len(models) ** 2, n * len(models)):
                    told = recover_models(
                        studies, models, n=n, progress=progress.finished,
                        done=checkpoint.done("models"), keep=keeper(checkpoint, "models"), **shared,
                    )  # fmt: skip
        finally:
            progress.close()
        for name in ("table", "summary"):
            parts = [getattr(one, name).assign(model=one.model) for one in recoveries]
            _write(pandas.concat(parts, ignore_index=True), folder / f"recovery-{name}.csv")
        for one in recoveries:
            save_figure(recovery_figure(one), folder, f"recovery-{one.model}")
            save_figure(coverage_figure(one), folder, f"coverage-{one.model}")
        if len(models) > 1:
            _write(told.table, folder / "models.csv")
            _write(told.confusion().reset_index(), folder / "confusion.csv")
            save_figure(confusion_figure(told), folder, "confusion")
        checkpoint.remove()
    for one in recoveries:
        whose = "profile likelihoods" if intervals == "profile" else "standard errors"
        print(f"{one.model}: {n} simulations, intervals of {whose}; bias and rmse of the natural logarithm "
              "where the scale is log")  # fmt: skip
        print(f"{_table(one.summary)}\n")
    if len(models) > 1:
        print("Which model is preferred by AIC (columns) where each has made the data (rows)")
        print(f"{told.confusion().to_string()}\n")
    print(f"Tables and figures are in {options.out}")


@contextmanager
def kept(options: argparse.Namespace, task: dict[str, Any]) -> Iterator[Checkpoint]:
    """A checkpoint beside the folder of the results; an interrupt says what it holds."""
    folder = check_folder(options.out, options.command)
    checkpoint = Checkpoint(folder.with_name(f"{folder.name}.partial.jsonl"), task, options.resume)
    try:
        yield checkpoint
    except FitError:  # going on would lead to the same end
        checkpoint.remove()
        raise
    except KeyboardInterrupt:
        if checkpoint.kept:
            raise Interrupted(
                f"{checkpoint.kept} finished pieces are kept in {checkpoint.path}; repeat the command with --resume"
            ) from None
        raise
    finally:
        checkpoint.close()


def keeper(checkpoint: Checkpoint, part: str) -> Callable[[int, Any], None]:
    return lambda number, content: checkpoint.keep(part, number, content)


def _write(table: pandas.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n")


def _summary(fit: Fit) -> str:
    """A fit in a few lines."""
    failed = int((~fit.starts.converged.astype(bool)).sum())
    same = int((fit.starts.log_likelihood > fit.log_likelihood - 0.01).sum())
    head = (
        f"{fit.model} on {', '.join(fit.studies)}: log-likelihood {fit.log_likelihood:.3f}, AIC {fit.aic:.2f}, "
        f"{fit.n_parameters} parameters, {fit.n_observations} observations\n"
        f"{_prior(fit)}{same} of {fit.starts_run} starts reached the best within 0.01, {failed} did not converge; "
        f"{fit.evaluations} evaluations in {fit.seconds:.1f} s"
    )
    if same < 2 and len(fit.estimates):
        head += "\nOnly one start reached this: give more starts (--starts) before relying on it."
    if not len(fit.estimates):
        return f"{head}\n"
    table = fit.estimates[["study", "parameter", "estimate", "standard_error", "unit", "verdict"]]
    return f"{head}\n{_table(table)}\n"


def _prior(fit: Fit) -> str:
    """What a fit with priors says of them."""
    if not len(fit.objective.prior_terms[0]):
        return ""
    return f"maximum a posteriori: log prior {fit.log_prior:.3f}; AIC is taken where the posterior is highest\n"


def _table(table: pandas.DataFrame) -> str:
    return table.to_string(index=False, float_format="{:.4g}".format, na_rep="")
