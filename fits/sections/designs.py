"""What every shipped design could tell of people: which parameters, which models, and with how many of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas

from ..family import MODELS
from ..figures import label_of
from ..people.design import compare_designs
from ..people.figures import design_figure, people_confusion_figure, people_recovery_figure
from ..people.recovery import PeopleRecovery, recover_people
from ..study import MEMORY, RESPONSES, Study, load_shipped
from ..wording import listed, number, share
from .section import Drawing, Listing, Piece, Section, Shown, Tables, Work

_PEOPLE = 20  # of each simulation
_RECOVERED = ("braun_2018", "takeuchi_2016", "tse_2023", "wang_2010")  # designs of few events: minutes, not hours
_FEASIBLE = 100  # people that a laboratory finds
_NEITHER = "more than a million"


def _pieces(work: Work) -> list[Piece]:
    studies = [one for one in load_shipped(MEMORY) if RESPONSES[one.response].outcomes]
    plans = [Piece(f"design of {one.id}", 20.0, 1, _planned(one)) for one in studies]
    chosen = [one for one in studies if one.id in _RECOVERED]
    n = work.sizes.designs
    return [*plans, *(Piece(f"recovering people of {one.id}", 10.0 * n, 3 * n, _recovered(one)) for one in chosen)]


def _planned(study: Study) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        found = compare_designs([study], MODELS[MEMORY])
        progress(0)
        made = {"told": found.models, "known": found.parameters}
        return {name: table for name, table in made.items() if len(table)}

    return compute


def _recovered(study: Study) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        found = recover_people([study], MODELS[MEMORY], people=_PEOPLE, n=work.sizes.designs, seed=work.seed,
                               workers=work.workers, progress=lambda _: progress(0))  # fmt: skip
        return {"recovery": found.table, "summary": found.summary, "choices": found.choices}

    return compute


def _show(tables: Tables) -> Shown:
    told, known, summary = tables["told"], tables["known"], tables["summary"]
    found = PeopleRecovery(_PEOPLE, 0, tables["recovery"], summary, tables["choices"])
    simulations = int(summary.simulations.max())
    rows = [
        {"study": study, "model": label_of(str(model)), "with so many people": listed(_with_people(own)),
         "with no number": listed(own[own.people.isna()].parameter.map(_spoken).tolist()) or "–"}
        for (study, model), own in known.groupby(["candidate", "model"], sort=False)
    ]  # fmt: skip
    pairs = [
        {"study": r["candidate"], "truth": label_of(r["truth"]), "rival": label_of(r["rival"]),
         "gain of a person": number(r["gain"], 2), "people": _people(r["people"])}
        for r in told.to_dict("records")
    ]  # fmt: skip
    cells = [
        {"study": r["study"], "model": label_of(r["model"]), "parameter": r["parameter"],
         "identified": share(r["identified"]), "bias": f"{number(r['bias'], 2)} ± {number(r['bias_error'], 2)}",
         "95 % intervals hold the truth": f"{share(r['coverage'])} of {r['intervals']}"}
        for r in summary.to_dict("records")
    ]  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="Of every study whose answers are counted: what its design, with its start values taken as true and "
        "every test answered once by a person, could tell. People are assumed to differ by half a logit.",
        drawings=(
            Drawing("designs", design_figure(told),
                    "People who must answer every test of a design once to tell one model from another, 20 to 1 with a "
                    f"power of 80 %; none where it takes {_NEITHER}.", True),
            Drawing("designs-confusion", people_confusion_figure(found.confusion()),
                    f"Which model has the best BIC (columns) for {_PEOPLE} simulated people whom each has made (rows), "
                    f"in {simulations} simulations each.", True),
            Drawing("designs-recovery", people_recovery_figure(found.table),
                    f"Errors of the populations found for {_PEOPLE} simulated people, in {simulations} simulations of "
                    "each model; open where the data say no more than the prior, or people seem not to differ.", True),
        ),
        listings=(
            Listing("What each design can tell of a parameter", pandas.DataFrame(rows), (),
                    "People for a 95 % interval of the population's centre of ± a tenth of the bounds."),
            Listing("What each design can tell of two models", pandas.DataFrame(pairs), ("gain of a person", "people"),
                    "Gain: expected log-likelihood over the rival's best fit. A model that contains another cannot be "
                    "ruled out by it."),
            Listing("Recovery of populations", pandas.DataFrame(cells), ("identified", "bias"),
                    "Bias on the scale of a logit between a parameter's bounds, of spreads of the logarithm."),
        ),
        change="Tests at delays and doses at which models part; more tests a person for what people differ in.",
    )  # fmt: skip


def sentence(tables: Tables) -> str:
    """Which designs tell all models apart, and which parameters no number of people would give."""
    told, known = tables["told"], tables["known"]
    capture = told[(told.truth != "EncodingOnly") & (told.rival != "EncodingOnly")]
    worst = capture.assign(people=capture.people.fillna(math.inf)).groupby("candidate", sort=False).people.max()
    enough = worst[worst <= _FEASIBLE]
    said = (f"{len(enough)} of {len(worst)} designs tell the two rules of capture apart with {_FEASIBLE} people or "
            f"fewer who answer every test once ({listed([str(name) for name in enough.index]) or 'none'})")  # fmt: skip
    alone = told[told.truth == "EncodingOnly"]
    ruled_out = int((alone.people <= _FEASIBLE).sum())
    said += f"; data of encoding only rule capture out in {ruled_out} of {len(alone)} cases"
    apart = known[known.model != "EncodingOnly"]
    few = int((apart.people <= _FEASIBLE).sum())
    return f"{said}. Of {len(apart)} parameters of capture models as many people know {few} to a tenth of the bounds."


def _with_people(own: pandas.DataFrame) -> list[str]:
    seen = own[own.people.notna()]
    return [f"{_spoken(r['parameter'])} ({_people(r['people'])})" for r in seen.to_dict("records")] or ["–"]


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _people(count: float) -> str:
    return _NEITHER if math.isnan(count) else f"{count:.0f}"


SECTION = Section("designs", "What each design could tell of people", _pieces, _show, alone=True)
