"""Hennings 2021 person by person: the population, everybody in it, and whether they answer as they should."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas

from ..family import MODELS
from ..figures import label_of
from ..people.checks import first_outcome, predictive_checks
from ..people.figures import forest_figure, predictive_figure, shrinkage_figure
from ..people.fit import fit_people
from ..random_effects import model_frequencies
from ..simulation_figures import frequency_figure
from ..study import MEMORY, Study, load_study
from ..trials import Trials, read_trials
from ..wording import fixed, listed, number, quantity, share
from .section import PEOPLE, RAW_TRIALS, Drawing, Listing, Piece, Section, Shown, Tables, Work


def _pieces(work: Work) -> list[Piece]:
    study = load_study(RAW_TRIALS)
    trials = read_trials(study=study, missing="drop")
    return [Piece(f"people of {study.id}, {label_of(model)}", 60.0, 1, _of(model, study, trials))
            for model in MODELS[MEMORY]]  # fmt: skip


def _of(
    model: str, study: Study, trials: Trials
) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        fit = fit_people(trials, study, model, workers=work.workers)
        checks = predictive_checks(fit, seed=work.seed)
        progress(0)
        summary = dict(people=len(fit.evidence), n_trials=fit.n_trials, log_evidence=fit.log_evidence, bic=fit.bic,
                       steps=fit.steps, converged=fit.converged, outcome=first_outcome(fit))  # fmt: skip
        made = {
            "fits": pandas.DataFrame([summary]),
            "parameters": fit.parameters.drop(columns=["description"]),
            "people": fit.people.drop(columns=["eta", "sd", "shrinkage"]),
            "evidence": fit.evidence.rename_axis("participant").reset_index(name="log_evidence"),
            "checks": checks,
            "notes": fit.notes,
        }
        return {name: table.assign(model=model) for name, table in made.items() if len(table)}

    return compute


def frequencies(evidence: pandas.DataFrame) -> pandas.DataFrame:
    """How common each model is among people: random effects over everybody's log evidence."""
    wide = evidence.pivot(index="participant", columns="model", values="log_evidence")
    found = model_frequencies(wide[list(dict.fromkeys(evidence.model))])
    return found.table.assign(omnibus_risk=found.omnibus_risk)


def _show(tables: Tables) -> Shown:
    fits = tables["fits"].sort_values("bic", ignore_index=True)
    best = str(fits.model[0])
    parameters, people, checks = (_only(tables[name], best) for name in ("parameters", "people", "checks"))
    label = label_of(best)
    drawings: tuple[Drawing, ...] = (
        Drawing("people-forest", forest_figure(people, parameters),
                f"Every participant's estimates under {label}, with 95 % intervals, and the population's median "
                "(blue, with its interval).", True),
        Drawing("people-shrinkage", shrinkage_figure(people, parameters),
                f"Shrinkage under {label}: each participant's estimate in the population against the one that "
                "their own trials would give; the blue line is the population's median.", True),
        Drawing("people-checks", predictive_figure(checks, str(fits.outcome[0])),
                "Predictive checks: the share of the surest answer that each participant gave, against those that the "
                "fitted model replicates; misses in orange.", True),
    )  # fmt: skip
    rows = [
        {"model": label_of(r["model"]), "log evidence": fixed(r["log_evidence"]),
         "ΔBIC": fixed(r["bic"] - fits.bic.min()),
         "steps of EM": f"{r['steps']}{'' if r['converged'] else ', not settled'}"}
        for r in fits.to_dict("records")
    ]  # fmt: skip
    listings = [
        Listing("Models of people", pandas.DataFrame(rows), ("log evidence", "ΔBIC", "steps of EM"),
                "The evidence is that of everybody's trials with people integrated out; BIC counts the population's "
                "parameters.")
    ]  # fmt: skip
    if len(fits) > 1:
        common = frequencies(tables["evidence"])
        cells = [
            {"model": label_of(r["model"]), "frequency": share(r["frequency"]),
             "protected exceedance probability": number(r["protected_exceedance"], 2)}
            for r in common.to_dict("records")
        ]  # fmt: skip
        drawings += (
            Drawing("people-models", frequency_figure(common),
                    "How common each model is among people, and the protected probability that it is the commonest."),
        )  # fmt: skip
        listings.append(Listing("How common the models are among people", pandas.DataFrame(cells),
                                ("frequency", "protected exceedance probability")))  # fmt: skip
    cells = [
        {"parameter": r["parameter"], "median": quantity(r["median"], r["unit"]),
         "95 %": f"{number(r['lower'])} to {number(r['upper'])}",
         "95 % of people": f"{number(r['people_lower'])} to {number(r['people_upper'])}",
         "spread, 95 %": f"{number(r['spread_lower'])} to "
         f"{number(r['spread_upper']) if math.isfinite(r['spread_upper']) else '∞'}",
         "told apart by their trials": share(r["reliability"]), "verdict": r["verdict"]}
        for r in parameters.to_dict("records")
    ]  # fmt: skip
    listings.append(
        Listing(f"The population under {label}", pandas.DataFrame(cells), ("median",),
                "The spread is people's standard deviation on the scale of a logit between the parameter's bounds. "
                "Told apart: the share of the variance between people that their own trials resolve.")
    )  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="Each participant has parameters of their own, drawn from a population that is estimated with them "
        "(empirical Bayes by EM). Where a person's trials say little, their estimate lies near the population's.",
        drawings=drawings,
        listings=tuple(listings),
        change="More trials a person, and conditions in which capture and encoding differ: what most people's trials "
        "cannot resolve is not known of anybody.",
    )


def sentence(tables: Tables) -> str:
    """What differs between people, and how well their answers are replicated."""
    fits = tables["fits"].sort_values("bic", ignore_index=True)
    best = str(fits.model[0])
    parameters, checks = _only(tables["parameters"], best), _only(tables["checks"], best)
    told = [name.replace("_", " ") for name in parameters[parameters.reliability >= 0.5].parameter]
    not_told = [name.replace("_", " ") for name in parameters[parameters.reliability < 0.5].parameter]
    said = (f"With people free to differ, {label_of(best)} has the best BIC for {fits.people[0]} people; their trials "
            f"tell them apart in {listed(told) or 'nothing'}")  # fmt: skip
    said += f", hardly in {listed(not_told)}" if not_told else ""
    inside = int(checks.inside.astype(bool).sum())
    said += f". Of the {len(checks)} shares that they gave, {inside} lie in the 95 % that the fitted model replicates."
    return said


def _only(table: pandas.DataFrame, model: str) -> pandas.DataFrame:
    return table[table.model == model].reset_index(drop=True)


SECTION = Section("people", "People of Hennings 2021", _pieces, _show, PEOPLE)
