"""Is what is inferred about people right? Simulated people and populations, with the design of Hennings 2021."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import pandas

from ..execution import processes
from ..people.calibration import person_calibration, population_calibration, posterior_calibration
from ..people.design import planned
from ..people.figures import rank_figure
from ..people.fit import fit_people
from ..people.population import SPREAD_SD
from ..study import Study, load_study
from ..trials import Trials, read_trials
from ..wording import listed, number, share
from .section import PEOPLE, RAW_TRIALS, Drawing, Listing, Piece, Section, Shown, Tables, Work

_MODEL = "EncodingOnly"  # whose kernels are fast enough for hundreds of fits
_PEOPLE = 300
_TITLES = {
    "person": "People, given their population",
    "population": "Populations, of as many people as took part",
    "posterior": "Draws of the No-U-Turn sampler, truths from the prior",
}
_RANKED, _DIGITS = ["simulation", "parameter", "rank"], 4  # what is stored of ranks
_SMALL, _SMALL_MODEL = "takeuchi_2016", "LinearCapture"  # a design of few events, for thousands of draws a truth
_SAMPLED, _ANSWERS = 4, 8  # people of it, and answers to each test


def _pieces(work: Work) -> list[Piece]:
    study = load_study(RAW_TRIALS)
    trials = read_trials(study=study, missing="drop")
    made = [Piece("calibration of people", 15.0 * work.sizes.ranked, work.sizes.ranked, _of(study, trials))]
    if find_spec("nutpie") is not None:  # the extra engram[posterior]
        made.append(Piece("calibration of the sampler", 12.0 * work.sizes.ranked, work.sizes.ranked, _ranks))
    return made


def _of(study: Study, trials: Trials) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        fit = fit_people(trials, study, _MODEL, workers=work.workers)
        made = [person_calibration(fit.likelihood, fit.population, n=_PEOPLE, seed=work.seed)]
        with processes(work.workers) as pool:
            made.append(
                population_calibration(fit.likelihood, fit.population, people=len(fit.evidence), n=work.sizes.ranked,
                                       seed=work.seed, workers=pool, progress=lambda _: progress(0))
            )  # fmt: skip
        return {
            "ranks": made[0].table[_RANKED].round({"rank": _DIGITS}).assign(route="person"),
            "summary": pandas.concat([one.summary.assign(route=one.route) for one in made], ignore_index=True),
        }

    return compute


def _ranks(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
    likelihood = planned(load_study(_SMALL), _SMALL_MODEL, trials=_ANSWERS)
    with processes(work.workers) as pool:
        found = posterior_calibration(likelihood, people=_SAMPLED, n=work.sizes.ranked, seed=work.seed, workers=pool,
                                      progress=lambda _: progress(0))  # fmt: skip
    return {"ranks": found.table[_RANKED].round({"rank": _DIGITS}).assign(route=found.route),
            "summary": found.summary.assign(route=found.route)}  # fmt: skip


def _show(tables: Tables) -> Shown:
    listings = []
    for route, title in _TITLES.items():
        mine = tables["summary"][tables["summary"].route == route]
        if not len(mine):
            continue
        cells = [
            {"parameter": r["parameter"], "bias": f"{number(r['bias'], 2)} ± {number(r['bias_error'], 2)}",
             "correlation": number(r["correlation"], 2),
             "95 % intervals hold the truth": f"{share(r['coverage'])} ({share(r['coverage_lower'])} to "
             f"{share(r['coverage_upper'])})", "of": str(int(r["intervals"])),
             "95 %, p": number(r["p_coverage_holm"], 2),
             "uniform, p": number(r["p_uniform_holm"], 2)}
            for r in mine.to_dict("records")
        ]  # fmt: skip
        listings.append(
            Listing(title, pandas.DataFrame(cells), ("bias", "correlation", "of", "95 %, p", "uniform, p"),
                    "Bias on the scale of a logit between a parameter's bounds, of spreads of the logarithm; coverage "
                    "with its exact binomial interval, of so many intervals (one without any limit is none, one with "
                    "a single limit holds all beyond it), and the binomial test that it is 95 %; χ² over ten bins of "
                    "the ranks, where errors are normal; both p with Holm's correction over the table.")
        )  # fmt: skip
    ranks = tables["ranks"]
    sampled = ranks[ranks.route == "posterior"]
    drawings: tuple[Drawing, ...] = (
        Drawing("calibration-ranks", rank_figure(ranks[ranks.route == "person"]),
                "Where the truth lies in each simulated person's posterior: uniform if the posterior is right.", True),
    )  # fmt: skip
    if len(sampled):
        drawings += (
            Drawing("calibration-sampler", rank_figure(sampled),
                    "Where truths from the prior lie among the sampler's draws (simulation-based calibration).", True),
        )  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="People are simulated from the fitted population of encoding only, answer as many trials as the "
        "first participant, and are estimated as the real ones were. The sampler's truths are drawn from its "
        f"prior, for {_SAMPLED} people of the design {_SMALL}. A spread of which trials say little is drawn towards "
        f"{SPREAD_SD:g}, for its prior is |N(0, {SPREAD_SD:g}²)|: too large where people differ by less, too small "
        "where by much more. Where it is badly known its interval is by the likelihood ratio, without that prior.",
        drawings=drawings,
        listings=tuple(listings),
        change="More trials a person make posteriors normal, and intervals exact.",
    )  # fmt: skip


def sentence(tables: Tables) -> str:
    """Which intervals hold the truth as often as they say."""
    summary = tables["summary"]
    wrong = summary[summary.p_coverage_holm < 0.05]
    skewed = summary[summary.p_uniform_holm < 0.05]
    said = (f"Of {len(summary)} kinds of 95 % intervals, {len(summary) - len(wrong)} hold the truth as often "
            "as they say, within the error of the simulations")  # fmt: skip
    if len(wrong):
        ones = [f"{row['parameter']} ({share(row['coverage'])})" for row in wrong.to_dict("records")]
        said += f"; not {listed(ones)}"
    if len(skewed):
        return f"{said}. Ranks are not uniform for {listed([str(name) for name in skewed.parameter])}."
    return f"{said}. No ranks depart from uniform."


SECTION = Section("calibration", "Calibration of people", _pieces, _show, PEOPLE)
