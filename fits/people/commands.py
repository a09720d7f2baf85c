"""``engram fit --people``, ``recover --people`` and ``design``: tables and figures of people and of planned studies."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from ..commands import keeper, kept, print_counts, write_missing
from ..drawing import save_figure
from ..execution import processes
from ..output_folder import output_folder
from ..progress import Progress
from ..simulation_figures import frequency_figure
from ..storage import task_of
from ..study import MEMORY, Study
from ..trials import Trials, read_trials
from .checks import first_outcome, loo, predictive_checks
from .covariates import read_covariates
from .design import SPREAD, compare_designs
from .em import DRAWS
from .figures import (
    design_figure,
    forest_figure,
    people_confusion_figure,
    people_recovery_figure,
    predictive_figure,
    shrinkage_figure,
)
from .fit import PeopleFit, compare_people, fit_people
from .posterior import needed, sample_people
from .recovery import recover_people

_SIMULATIONS = 20
_LARGEST_SHAPE = 0.7  # of a trial's Pareto distribution, for leaving it out (doi:10.1007/s11222-016-9696-4)
_ALIKE = 1e-6  # difference in a person's log evidence below which models are the same
_SHOWN = ["parameter", "median", "lower", "upper", "spread", "spread_lower", "spread_upper", "reliability", "verdict"]


def run_people(options: argparse.Namespace, study: Study, models: Sequence[str]) -> None:
    """Fit the population and everybody in it; with ``--posterior`` sample as well."""
    if options.posterior:
        needed()  # before anything long is begun
    trials = read_trials(options.trials or None, study, missing=options.missing, skip_broken=options.skip_broken)
    covariates = read_covariates(options.covariates[0], options.covariates[1:] or None) if options.covariates else None
    fits: list[PeopleFit] = []
    checks, posteriors = [], []
    sampling = processes(options.workers) if options.posterior else nullcontext()
    sampled_before = sorted(Path(options.out).glob("posterior-*.nc"))
    if sampled_before and not options.posterior:
        raise ValueError(f"{sampled_before[0]} was sampled, and would go; name another folder, or delete it")
    draws = DRAWS if options.draws is None else options.draws
    task = _task(options, study, models, trials, covariates, draws)
    with (
        kept(options, task) if options.posterior else nullcontext() as checkpoint,
        output_folder(options.out, options.command) as folder,
        sampling as pool,
    ):
        progress = Progress(len(models) * (10 if options.posterior else 1))
        try:
            for model in models:
                with progress.part(f"people, {model}", 1.0):
                    fits.append(fit_people(trials, study, model, level=options.level, covariates=covariates,
                                           draws=draws, workers=options.workers))  # fmt: skip
                    progress.finished()
                if checkpoint is not None:
                    with progress.part(f"posterior, {model}", 9.0):
                        posteriors.append(
                            sample_people(fits[-1], draws=options.posterior, seed=options.seed, workers=pool,
                                          done=checkpoint.done(model), keep=keeper(checkpoint, model))
                        )  # fmt: skip
                        progress.finished()
                if options.level == "phase":
                    sampled = posteriors[-1] if options.posterior else None
                    checks.append(predictive_checks(fits[-1], sampled, seed=options.seed).assign(model=model))
        finally:
            progress.close()
        for name in ("parameters", "effects", "people", "notes"):
            _write([getattr(one, name).assign(model=one.model) for one in fits], folder / f"{name}.csv")
        write_missing(trials, folder)
        evidences = [one.evidence.rename_axis("participant").reset_index(name="log_evidence").assign(model=one.model)
                     for one in fits]  # fmt: skip
        _write(evidences, folder / "evidence.csv")
        if checks:
            _write(checks, folder / "checks.csv")
        for number, one in enumerate(fits):
            save_figure(forest_figure(one.people, one.parameters), folder, f"people-{one.model}")
            save_figure(shrinkage_figure(one.people, one.parameters), folder, f"shrinkage-{one.model}")
            if checks:
                save_figure(predictive_figure(checks[number], first_outcome(one)), folder, f"checks-{one.model}")
        if len(fits) > 1:
            frequencies = compare_people(fits)
            _write([frequencies.table.assign(omnibus_risk=frequencies.omnibus_risk)], folder / "model-frequencies.csv")
            save_figure(frequency_figure(frequencies.table), folder, "model-frequencies")
        if posteriors:
            _write([one.summary.assign(model=one.fit.model) for one in posteriors], folder / "posterior.csv")
            for sampled in posteriors:
                sampled.data.to_netcdf(str(folder / f"posterior-{sampled.fit.model}.nc"))
            if checkpoint is not None:
                checkpoint.remove()
    print_counts(trials)
    for one in fits:
        settled = "" if one.converged else "; EM has not settled"
        print(f"{one.model}: log evidence {one.log_evidence:.2f}, BIC {one.bic:.2f}, {one.steps} steps of EM in "
              f"{one.seconds:.1f} s{settled}")  # fmt: skip
        print(f"{_table(one.parameters[_SHOWN])}\n")
        if len(one.effects):
            print("Effects of covariates (logits between a parameter's bounds, per standard deviation)")
            print(f"{_table(one.effects)}\n")
    noted: dict[str, list[str]] = {}
    for one in fits:
        for note in one.notes.itertuples():
            noted.setdefault(f"{note.who}: {note.what}; {note.consequence}", []).append(one.model)
    for said, of in noted.items():
        print(said if len(of) == len(fits) else f"{said} ({', '.join(of)})")
    if len(fits) > 1:
        if max(abs(one.evidence - fits[0].evidence).max() for one in fits) < _ALIKE:
            print("These models predict the same in this design; its trials cannot tell them apart")
        print("How frequent the models are among people (random effects over everybody's evidence)")
        print(f"{_table(frequencies.table)}\n")
    for sampled in posteriors:
        worst = sampled.summary.r_hat.max()
        print(f"{sampled.fit.model}: posterior in {sampled.seconds:.0f} s, largest R-hat {worst:.4f}, "
              f"{sampled.divergences} divergences")  # fmt: skip
        if not sampled.converged:
            print("  not all of it is known well: give more draws (--posterior DRAWS)")
        left_out = loo(sampled)
        shapes = left_out.pareto_k.to_numpy()
        rough = int((np.isfinite(shapes) & (shapes > _LARGEST_SHAPE)).sum())
        told = f"; rough, for {rough} of {len(shapes)} trials decide too much on their own" if rough else ""
        print(f"  leave-one-trial-out log density {left_out.elpd_loo:.1f} ± {left_out.se:.1f} (PSIS-LOO){told}")
    print(f"Tables and figures are in {options.out}")


def _task(
    options: argparse.Namespace, study: Study, models: Sequence[str], trials: Trials,
    covariates: pandas.DataFrame | None, draws: int,
) -> dict[str, Any]:  # fmt: skip
    """Everything that decides the draws."""
    tables = {"answers": trials.table, "covariates": covariates}
    digests = {
        name: None if table is None else sha256(table.to_csv().encode()).hexdigest() for name, table in tables.items()
    }
    return task_of([study], models, **digests, level=options.level, draws=draws, posterior=options.posterior,
                   seed=options.seed)  # fmt: skip


def run_design(options: argparse.Namespace, studies: Sequence[Study], models: Sequence[str]) -> None:
    """Compare candidate experiments."""
    _refuse_vision(studies)
    found = compare_designs(
        studies, models, trials=options.answers, lures=options.lures, spread=options.spread,
        half_width=options.half_width,
    )  # fmt: skip
    with output_folder(options.out, options.command) as folder:
        _write([found.parameters], folder / "parameters.csv")
        if len(found.models):
            _write([found.models], folder / "models.csv")
            _write([found.best()], folder / "best.csv")
            save_figure(design_figure(found.models), folder, "design")
    for study in studies:
        if study.id not in set(found.parameters.candidate):
            print(f"{study.id}: these models feel no parameter of it; with nothing to fit it is not compared")
    print(f"People needed for a 95 % interval of ± {options.half_width:g} of the bounds (blank: not identified)")
    wide = found.parameters.pivot_table(
        index=["model", "parameter"], columns="candidate", values="people", sort=False, dropna=False
    ).map(_count)
    if len(wide):
        print(f"{_table(wide.reset_index())}\n")
    if len(found.models):
        print("People needed to tell models apart, 20 to 1 with a power of 0.8 (blank: more than a million)")
        print(f"{_table(found.models.assign(people=found.models.people.map(_count)))}\n")
        best = found.best().iloc[0]
        if best.people < float("inf"):
            print(f"{best.candidate} tells the hardest pair apart with the fewest people, {best.people:.0f}")
        else:
            print("No candidate tells every pair of models apart")
    print(f"Tables{' and a figure' if len(found.models) else ''} are in {options.out}")


def run_recover_people(options: argparse.Namespace, studies: Sequence[Study], models: Sequence[str]) -> None:
    """Simulate people of every design, and fit them with every model."""
    _refuse_vision(studies)
    n, spread = options.n or _SIMULATIONS, SPREAD if options.spread is None else options.spread
    task = task_of(studies, models, n=n, people=options.people, seed=options.seed, spread=spread)
    total = n * len(studies) * len(models)
    with kept(options, task) as checkpoint, output_folder(options.out, options.command) as folder:
        progress = Progress(total)
        try:
            with progress.part("recovering people", total, total):
                found = recover_people(
                    studies, models, people=options.people, n=n, spread=spread, seed=options.seed,
                    workers=options.workers, done=checkpoint.done("people"), keep=keeper(checkpoint, "people"),
                    progress=lambda _: progress.finished(),
                )  # fmt: skip
        finally:
            progress.close()
        confusion, unknown = found.confusion(), found.not_identified()
        _write([found.table], folder / "recovery-table.csv")
        _write([found.summary], folder / "recovery-summary.csv")
        _write([found.choices], folder / "models.csv")
        _write([confusion.reset_index()], folder / "confusion.csv")
        save_figure(people_recovery_figure(found.table), folder, "recovery")
        save_figure(people_confusion_figure(confusion), folder, "confusion")
        checkpoint.remove()
    print(f"{n} simulations of {options.people} people for each study and model; on the scale of a logit between the "
          "bounds, spreads as logarithms")  # fmt: skip
    print(f"{_table(found.summary)}\n")
    print("Which model is preferred by BIC (columns) where each has made the data (rows)")
    print(f"{confusion.to_string()}\n")
    for study_id, left_out in found.left_out:
        print(f"{study_id}: {left_out} feels no parameter of it and was left out")
    for (name, model), group in unknown.groupby(["study", "model"], sort=False):
        print(f"{name} does not tell, under {model}: {', '.join(group.parameter)}")
    print(f"Tables and figures are in {options.out}")


def _refuse_vision(studies: Sequence[Study]) -> None:
    for study in studies:
        if study.family != MEMORY:
            raise ValueError(
                f"{study.id} is a study of {study.family}, whose response is not an answer to an item; name studies of "
                f"{MEMORY}"
            )


def _write(tables: Sequence[pandas.DataFrame], path: Path) -> None:
    pandas.concat(list(tables), ignore_index=True).to_csv(path, index=False, lineterminator="\n")


def _count(people: float) -> str:
    return "" if pandas.isna(people) else f"{people:.0f}"


def _table(table: pandas.DataFrame) -> str:
    return table.to_string(index=False, float_format="{:.4g}".format, na_rep="")
