"""Is what is inferred about people right? Simulated people and populations, with the design of Hennings 2021."""

from __future__ import annotations

from collections.abc import Callable

import pandas

from ..people.calibration import person_calibration, population_calibration
from ..people.figures import rank_figure
from ..people.fit import fit_people
from ..study import Study, load_study
from ..trials import Trials, read_trials
from ..wording import listed, number, share
from .section import PEOPLE, RAW_TRIALS, Drawing, Listing, Piece, Section, Shown, Tables, Work

_MODEL = "EncodingOnly"  # whose kernels are fast enough for hundreds of fits
_PEOPLE = 300
_TITLES = {"person": "People, given their population", "population": "Populations, of as many people as took part"}


def _pieces(work: Work) -> list[Piece]:
    study = load_study(RAW_TRIALS)
    trials = read_trials(study=study, missing="drop")
    return [Piece("calibration of people", 15.0 * work.sizes.confused, work.sizes.confused, _of(study, trials))]


def _of(study: Study, trials: Trials) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        fit = fit_people(trials, study, _MODEL, workers=work.workers)
        made = [
            person_calibration(fit.likelihood, fit.population, n=_PEOPLE, seed=work.seed),
            population_calibration(fit.likelihood, fit.population, people=len(fit.evidence), n=work.sizes.confused,
                                   seed=work.seed, workers=work.workers, progress=lambda _: progress(0)),
        ]  # fmt: skip
        return {
            "ranks": made[0].table[["simulation", "parameter", "rank"]],
            "summary": pandas.concat([one.summary.assign(route=one.route) for one in made], ignore_index=True),
        }

    return compute


def _show(tables: Tables) -> Shown:
    listings = []
    for route, title in _TITLES.items():
        mine = tables["summary"][tables["summary"].route == route]
        cells = [
            {"parameter": r["parameter"], "bias": f"{number(r['bias'], 2)} ± {number(r['bias_error'], 2)}",
             "correlation": number(r["correlation"], 2),
             "95 % intervals hold the truth": f"{share(r['coverage'])} ({share(r['coverage_lower'])} to "
             f"{share(r['coverage_upper'])})", "uniform, p": number(r["p_holm"], 2)}
            for r in mine.to_dict("records")
        ]  # fmt: skip
        listings.append(
            Listing(title, pandas.DataFrame(cells), ("bias", "correlation", "uniform, p"),
                    "Bias on the scale of a logit between a parameter's bounds, of spreads of the logarithm; χ² over "
                    "ten bins of the ranks, Holm's correction; coverage with its exact binomial interval.")
        )  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="People are simulated from the fitted population of encoding only, answer as many trials as the "
        "first participant, and are estimated as the real ones were.",
        drawings=(
            Drawing("calibration-ranks", rank_figure(tables["ranks"]),
                    "Where the truth lies in each simulated person's posterior: uniform if the posterior is right.",
                    True),
        ),
        listings=tuple(listings),
        change="More trials a person make posteriors normal, and intervals exact.",
    )  # fmt: skip


def sentence(tables: Tables) -> str:
    """Which intervals hold the truth as often as they say."""
    summary = tables["summary"]
    wrong = summary[(summary.coverage_upper < 0.95) | (summary.coverage_lower > 0.95)]
    skewed = summary[summary.p_holm < 0.05]
    said = (f"Of {len(summary)} kinds of 95 % intervals, {len(summary) - len(wrong)} hold the truth as often "
            "as they say, within the error of the simulations")  # fmt: skip
    if len(wrong):
        ones = [f"{row['parameter']} ({share(row['coverage'])})" for row in wrong.to_dict("records")]
        said += f"; not {listed(ones)}"
    if len(skewed):
        return f"{said}. Ranks are not uniform for {listed([str(name) for name in skewed.parameter])}."
    return f"{said}. No ranks depart from uniform."


SECTION = Section("calibration", "Calibration of people", _pieces, _show, PEOPLE)
