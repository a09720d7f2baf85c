"""Hennings 2021 from its raw trials: the group, every participant, and how common each model is among people."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas
from matplotlib.figure import Figure

from engram.figure_style import StyledFigure, look, style

from ..figures import label_of
from ..findings import preference
from ..random_effects import model_frequencies
from ..simulation_figures import frequency_figure
from ..study import Study
from ..trial_fit import fit_participants, fit_trials
from ..trials import Trials, read_trials
from ..wording import fixed, listed, number, quantity, share
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_STUDY = "hennings_2021"
_STARTS = 8


def _pieces(work: Work) -> list[Piece]:
    study = next((study for study in work.studies if study.id == _STUDY), None)
    if study is None:
        return []
    trials = read_trials(study=study, missing="drop")
    return [Piece(f"trials of {_STUDY}, {label_of(one.model)}", 15.0, _STARTS + 1, _of(one.model, study, trials))
            for one in work.joint]  # fmt: skip


def _of(
    model: str, study: Study, trials: Trials
) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        group = fit_trials(trials, study, model, starts=_STARTS, seed=work.seed, workers=work.workers,
                           progress=progress)  # fmt: skip
        people = fit_participants(trials, study, model, group=group, workers=work.workers, seed=work.seed)
        progress(0)
        fitted = dict(participants=len(trials.participants), unanswered=int(trials.missing.missing.sum()),
                      n_observations=group.n_trials, n_parameters=group.n_parameters,
                      log_likelihood=group.log_likelihood, aic=group.aic, bic=group.bic)  # fmt: skip
        columns = ["participant", "n_trials", "log_likelihood", "converged"]
        made = {
            "fits": pandas.DataFrame([fitted]),
            "estimates": group.estimates[["parameter", "unit", "estimate", "standard_error", "verdict"]],
            "groups": group.groups,
            "participants": people[columns].assign(n_parameters=group.n_parameters),
        }
        return {name: table.assign(model=model) for name, table in made.items()}

    return compute


def frequencies(participants: pandas.DataFrame) -> pandas.DataFrame:
    """How common each model is among participants: random effects over −BIC/2 of each participant's fit."""
    evidence = participants.log_likelihood - 0.5 * participants.n_parameters * np.log(participants.n_trials)
    wide = participants.assign(evidence=evidence).pivot(index="participant", columns="model", values="evidence")
    found = model_frequencies(wide[list(dict.fromkeys(participants.model))])
    return found.table.assign(omnibus_risk=found.omnibus_risk)


def _compared(fits: pandas.DataFrame) -> pandas.DataFrame:
    table = fits.sort_values("aic", ignore_index=True)
    return table.assign(delta_aic=table.aic - table.aic.min())


def _show(tables: Tables) -> Shown:
    drawings = [
        Drawing("trials-groups", _group_figure(tables["groups"]),
                "Hennings 2021, every answered trial: how often items of each phase and category were called "
                "definitely old, observed (black, standard errors of a proportion) and predicted.", True)
    ]  # fmt: skip
    compared = _compared(tables["fits"])
    rows = [
        {"model": label_of(r["model"]), "parameters": str(r["n_parameters"]), "trials": str(r["n_observations"]),
         "log-likelihood": fixed(r["log_likelihood"]), "ΔAIC": fixed(r["delta_aic"])}
        for r in compared.to_dict("records")
    ]  # fmt: skip
    listings = [Listing("Fits of everybody's trials", pandas.DataFrame(rows),
                        ("parameters", "trials", "log-likelihood", "ΔAIC"))]  # fmt: skip
    if len(compared) > 1:
        table = frequencies(tables["participants"])
        drawings.append(
            Drawing("trials-frequencies", frequency_figure(table),
                    "How common each model is among the participants (random effects), and the probability that it is "
                    "the most common, protected against chance.")
        )  # fmt: skip
        common = [
            {"model": label_of(r["model"]), "frequency": share(r["frequency"]),
             "exceedance probability": number(r["exceedance"], 2), "protected": number(r["protected_exceedance"], 2)}
            for r in table.to_dict("records")
        ]  # fmt: skip
        listings.append(
            Listing(
                "Random-effects comparison over participants",
                pandas.DataFrame(common),
                ("frequency", "exceedance probability", "protected"),
                f"Probability that all models are equally common: {number(table.omnibus_risk[0], 2)}.",
            )
        )
    best = tables["estimates"][tables["estimates"].model == compared.model[0]]
    estimates = [
        {"parameter": r["parameter"], "estimate": quantity(r["estimate"], r["unit"]),
         "standard error": quantity(r["standard_error"], r["unit"], 2), "verdict": r["verdict"]}
        for r in best.to_dict("records")
    ]  # fmt: skip
    listings.append(Listing(f"Estimates from the trials, {label_of(compared.model[0])}", pandas.DataFrame(estimates),
                            ("estimate", "standard error")))  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="The means of this study are fitted with all others above; here its raw trials are, with the "
        "confidence of every answer, by the timing of the design. Each participant is then fitted about the group "
        "by maximum a posteriori. The raw data are not part of this library; they are public.",
        drawings=tuple(drawings),
        listings=tuple(listings),
        change="More trials a person: the differences between models that one participant's answers carry are "
        "small, and with them what can be said about how common each model is.",
    )


def sentence(tables: Tables) -> str:
    """Which model the trials prefer, over all of them and over participants."""
    compared = _compared(tables["fits"])
    first = tables["fits"].iloc[0]
    said = (f"Over the {first.n_observations} answered trials of {first.participants} people ({first.unanswered} more "
            f"were not answered), {preference(compared)}.")  # fmt: skip
    if len(compared) > 1:
        table = frequencies(tables["participants"]).sort_values("frequency", ascending=False, ignore_index=True)
        risk = float(table.omnibus_risk[0])
        ones = [f"{label_of(row['model'])} {share(row['frequency'])}" for row in table.to_dict("records")]
        said += (f" Among participants, the expected frequencies are {listed(ones)}; that they are all equal has a "
                 f"probability of {number(risk, 2)}.")  # fmt: skip
    return said


def _group_figure(table: pandas.DataFrame) -> Figure:
    outcome = table.outcome.iloc[-1] if "definitely old" not in set(table.outcome) else "definitely old"
    mine = table[table.outcome == outcome]
    names = list(dict.fromkeys(mine.group))
    models = list(dict.fromkeys(mine.model))
    with style():
        figure = StyledFigure(figsize=(6.0, 2.8), layout="constrained")
        ax = figure.subplots()
        observed = mine[mine.model == models[0]].set_index("group").loc[names]
        error = np.sqrt(observed.observed * (1 - observed.observed) / observed.n)
        xs = np.arange(len(names))
        ax.errorbar(xs - 0.25, observed.observed, yerr=error, fmt="o", color="black", capsize=2, elinewidth=1.0,
                    label="observed")  # fmt: skip
        for index, model in enumerate(models):
            predicted = mine[mine.model == model].set_index("group").loc[names].predicted
            ax.plot(xs + 0.17 * index, predicted, "o", color=look(index)["color"], markerfacecolor="white",
                    label=label_of(model))  # fmt: skip
        ax.set_xticks(xs, [name.replace("/", "\n") for name in names])
        ax.tick_params(axis="x", length=0)
        ax.set_ylim(0, None)
        ax.set_ylabel(f"share of answers “{outcome}”")
        figure.legend(loc="outside upper left", ncols=4)
    return figure


SECTION = Section("trials", "Raw trials of Hennings 2021", _pieces, _show)
