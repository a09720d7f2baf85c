"""The E/I-assembly network: its claims on networks of our own, memories that are added, memories that consolidate."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas

from ..wording import fixed, listed, number
from . import ei_assembly_figures as drawn
from .section import NETWORKS, Drawing, Listing, Piece, Section, Shown, Tables, Work

FAMILIES = ("A", "B", "C", "D")
_CAPACITY, _CONSOLIDATED, _THEORY = 100_000, 200_000, 300_000  # where their seeds begin
_RUNAWAY = 10.0  # times the others' rate: the assembly has run away
ENRICHMENTS = (1.0, 2.0, 3.0, 3.6, 4.0, 4.4, 5.0, 6.0)  # simulated
_GRID = np.arange(1.0, 6.01, 0.25)


def _seed(work: Work, k: int, begin: int = 0) -> int:
    return 1_000_000 * (work.seed - 1) + begin + 1000 * (k + 1)


def _pieces(work: Work) -> list[Piece]:
    from engram.networks.ei_assembly.assemblies import REGIMES
    from engram.networks.ei_assembly.experiment import CONTROLS, SIMPLE_REGIMES

    sizes, regimes = work.sizes, tuple(REGIMES)
    made = [_whole(k, regimes, "assemblies", 40.0) for k in range(sizes.assembly_networks)]
    made += [_whole(k, CONTROLS, "controls of assemblies", 30.0) for k in range(sizes.assembly_controls)]
    made += [_whole(k, SIMPLE_REGIMES, "simple assemblies", 30.0) for k in range(sizes.assembly_simple)]
    for k in range(sizes.assembly_networks, sizes.assembly_odours):
        made.append(Piece(f"odours, network {k + 1}", 5.0 * len(regimes), len(regimes), _odours(k, regimes)))
    made += [Piece(f"adding memories, network {k + 1}", 250.0, 13, _capacity(k))
             for k in range(sizes.assembly_capacity)]  # fmt: skip
    made += [Piece(f"memories that consolidate, network {k + 1}", 25.0, 1, _consolidation(k))
             for k in range(sizes.assembly_consolidated)]  # fmt: skip
    made += [Piece(f"mean field, family {family}", 30.0, 1, _theory(k, family)) for k, family in enumerate(FAMILIES)]
    return made


def _in_threads(
    work: Work, progress: Callable[[int], None], jobs: Sequence[Any], call: Callable[[Any], Any]
) -> list[Any]:
    def one(numbered: tuple[int, Any]) -> Any:
        found = call(numbered[1])
        progress(numbered[0])
        return found

    with ThreadPoolExecutor(work.workers or os.cpu_count() or 1) as pool:
        return list(pool.map(one, enumerate(jobs)))


def _whole(k: int, regimes: Sequence[str], name: str, weight: float) -> Piece:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        from engram.networks.ei_assembly.experiment import network_results

        seed, family = _seed(work, k), FAMILIES[k % len(FAMILIES)]
        found = _in_threads(work, progress, regimes, lambda regime: network_results(
            seed, regime, family, trajectories=work.sizes.assembly_trajectories))  # fmt: skip
        tables = {"measures": pandas.DataFrame([one.row for one in found])}
        if k == 0 and all(one.morph is not None for one in found):
            pairs = list(zip(regimes, found, strict=True))
            tables["morphs"] = pandas.concat(
                [pandas.DataFrame(one.morph._asdict()).assign(regime=regime) for regime, one in pairs]
            )
            planes = [pandas.DataFrame(one.plane, columns=["x", "y"]).assign(regime=regime) for regime, one in pairs]
            tables["planes"] = pandas.concat([plane.assign(mixture=plane.index) for plane in planes])
        return tables

    return Piece(f"{name}, network {k + 1}", weight * len(regimes), len(regimes), compute)


def _odours(k: int, regimes: Sequence[str]) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        from engram.networks.ei_assembly.experiment import odour_results

        seed, family = _seed(work, k), FAMILIES[k % len(FAMILIES)]
        rows = _in_threads(work, progress, regimes, lambda regime: odour_results(seed, regime, family))
        return {"measures": pandas.DataFrame(rows)}

    return compute


def _capacity(k: int) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        from engram.networks.ei_assembly.capacity import MEMORIES, REGIMES, capacity_measures

        jobs = [("random", min(MEMORIES)), *((regime, number) for regime in REGIMES for number in MEMORIES)]
        seed = _seed(work, k, _CAPACITY)
        return {"capacity": pandas.DataFrame(
            _in_threads(work, progress, jobs, lambda job: capacity_measures(seed, *job)))}  # fmt: skip

    return compute


def _consolidation(k: int) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        from engram import ThresholdCapture
        from engram.networks.ei_assembly.consolidation import consolidation_experiment
        from engram.networks.ei_assembly.setting import setting

        given = setting(_seed(work, k, _CONSOLIDATED), learned=16)
        table = consolidation_experiment(given, ThresholdCapture(durable_fraction=0.3), precision="float32")
        progress(0)
        return {"consolidation": table.assign(seed=given.seed)}

    return compute


def _theory(k: int, family: str) -> Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]:
    def compute(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
        from engram.networks.ei_assembly.parameters import EIAssemblyModel
        from engram.networks.ei_assembly.perturbations import (
            CURRENTS,
            enriched_rates,
            inhibitory_current_response,
        )
        from engram.networks.ei_assembly.setting import setting
        from theory.balanced_network import Mitral, assembly_rate, mean_field, stability

        model, given = EIAssemblyModel.family(family), setting(_seed(work, k, _THEORY), family)
        states, driven = [], []
        for state, mitral in (("odour", Mitral.odour()), ("quiet", Mitral.baseline())):
            rates = mean_field(model, mitral)
            linear = stability(model, mitral, rates)
            states.append({"family": family, "state": state, "rate_e": rates.excitatory, "rate_i": rates.inhibitory,
                           "loop": linear.loop_e_e, "determinant": linear.determinant,
                           "stabilised": linear.inhibition_stabilised, "gain_i": linear.inhibitory_gain,
                           "gain_e": linear.excitatory_gain})  # fmt: skip
        for current in CURRENTS:
            row = {"family": family, "current": current, **inhibitory_current_response(given, current)}
            for state, mitral in (("odour", Mitral.odour()), ("quiet", Mitral.baseline())):
                rates = mean_field(model, mitral, into_inhibitory=current)
                row |= {f"theory_e_{state}": rates.excitatory, f"theory_i_{state}": rates.inhibitory}
            driven.append(row)
        share = _activated_share(given)
        own = share * 19.0 + (1 - share) * 5.8  # Hz, of activated mitral cells and of the others
        usual = states[0]["rate_e"]
        simulated = {enrichment: enriched_rates(given, enrichment) for enrichment in ENRICHMENTS}
        runaway = []
        for enrichment in sorted({*ENRICHMENTS, *map(float, _GRID)}):
            expected = assembly_rate(model, Mitral.odour(), enrichment, own_mitral=own)
            runaway.append({"family": family, "enrichment": enrichment, "background": usual,
                            "theory": expected if np.isfinite(expected) else np.nan,
                            "simulated": simulated.get(enrichment, (np.nan, np.nan))[0],
                            "population": simulated.get(enrichment, (np.nan, np.nan))[1]})  # fmt: skip
        progress(0)
        return {"theory": pandas.DataFrame(states), "currents": pandas.DataFrame(driven),
                "runaway": pandas.DataFrame(runaway)}  # fmt: skip

    return compute


def _activated_share(given: Any) -> float:
    """Share of the mitral inputs of assembly members that come from the activated cells of their odour."""
    weights = given.base.weights["o_e"].tocsr()
    into = [weights[given.odours.activated(k)][:, members].sum() for k, members in enumerate(given.members[0])]
    return float(sum(into) / sum(weights[:, members].sum() for members in given.members[0]))


def _show(tables: Tables) -> Shown:
    from engram.networks.ei_assembly.capacity import capacity_limits
    from engram.networks.ei_assembly.claims import claim_parts, claims_table
    from engram.networks.ei_assembly.summary import compare_with_published

    table, measures = claims_table(tables["measures"]), tables["measures"]
    parts, against = claim_parts(measures), compare_with_published(measures)
    drawings = [
        Drawing("ei-assembly-claims", drawn.claims_figure(parts),
                "Every part of every claim, mean over networks divided by its standard error; right of the line it "
                "holds. Parts measured on one network only are left out.", True),
        Drawing("ei-assembly-published", drawn.published_figure(against),
                "Networks of our own beside the published ones (means and SDs over networks).", True),
        Drawing("ei-assembly-morphs", drawn.morphs_figure(tables["morphs"]),
                "Morphs from a novel to a learned odour, one network in four regimes: correlation of response and "
                "of input with the learned odour's, and recurrent currents into its assembly.", True),
        Drawing("ei-assembly-planes", drawn.planes_figure(tables["planes"]),
                "Mean responses to the mixtures of two learned (top) and two novel odours, in the plane of the first "
                "two principal components, one network in four regimes.", True),
    ]  # fmt: skip
    listings = [_claims_listing(table), _published_listing(against)]
    says = [_verdict(table), _nearness(against)]
    if "capacity" in tables:
        limits = capacity_limits(tables["capacity"])
        drawings.append(Drawing("ei-assembly-capacity", drawn.capacity_figure(limits),
                                "Memories are added and nothing is re-tuned; relative to the random network of the "
                                "same seed, means and standard errors. Grey: within 15 % of its rate.",
                                True))  # fmt: skip
        listings.append(_capacity_listing(limits))
        says.append(_held(limits))
    drawings.append(Drawing("ei-assembly-consolidation", drawn.consolidation_figure(tables["consolidation"]),
                            "A neutral, an emotional and a reactivated memory among 15 others of the day before: "
                            "strength of its trace, rate of its assembly and co-tuning of its members.",
                            True))  # fmt: skip
    drawings.append(Drawing("ei-assembly-theory", drawn.theory_figure(tables["currents"], tables["runaway"]),
                            "Mean field (lines) and simulation (points). Left, middle: a current into all I neurons. "
                            "Right: assemblies whose E→E connections are enriched and inhibition is not.",
                            True))  # fmt: skip
    listings += [_consolidation_listing(tables["consolidation"]), _theory_listing(tables)]
    says += [_remembered(tables["consolidation"]), _foreseen(tables)]
    return Shown(
        says=" ".join(says),
        explains="A claim holds if each of its parts, an inequality between measures of the same network, holds on "
        "average over networks. Its strength is that of the weakest part. Thresholds (15 %, half, twice) are ours "
        "where the paper gives words, and nothing was tuned. Networks: float32, family A to D in turn; those that rest "
        f"on odours alone (O1 to O5) are {int(table.seeds.max())}, those with all measures fewer, as the table says.",
        drawings=tuple(drawings),
        listings=tuple(listings),
        change="more networks for the parts near zero; the authors' other networks and their mixtures, which are not "
        "part of this package; thresholds other than those in the names of the parts.",
    )


def _verdict(table: pandas.DataFrame) -> str:
    known = table[table.holds.notna()]
    held = [str(name) for name in known.index[known.holds.astype(bool)]]
    failed = [f"{name} ({row.failing})" for name, row in known[~known.holds.astype(bool)].iterrows()]
    words = f"Of {len(known)} ordinal claims of the paper {len(held)} hold on networks of our own ({listed(held)})"
    words += f"; not so {listed(failed)}." if failed else "."
    rest = [str(name) for name in table.index[table.holds.isna()]]
    return words + (f" Not measured: {listed(rest)}." if rest else "")


def _nearness(against: pandas.DataFrame) -> str:
    far = against[(against.z.abs() > 3)].sort_values("z", key=abs, ascending=False)
    words = [f"{row['measure'].replace('_', ' ')} of {row['regime']} ({fixed(row['difference'])} %)"
             for row in far.to_dict("records")]  # fmt: skip
    begin = (f"Of {len(against)} means of the four regimes {len(against) - len(far)} are within three standard errors "
             "of the published networks'")  # fmt: skip
    return f"{begin}; farther are {listed(words)}." if words else f"{begin}."


def _held(limits: pandas.DataFrame) -> str:
    most = int(limits.memories.max())
    words = []
    for regime, group in limits.groupby("regime", sort=False):
        told = []
        for kept, name in (("rate_kept", "rate"), ("geometry_kept", "geometry")):
            lost = group[~group[kept].astype(bool)].memories
            told.append(f"keeps its {name} to {most}" if lost.empty else f"is off its {name} at {int(lost.min())}")
        words.append(f"{regime} {listed(told)}")
    return (
        f"As memories are added, {'; '.join(words)} (rate: within 15 % of random networks'; geometry: see the table)."
    )


def _remembered(table: pandas.DataFrame) -> str:
    last = table[table.delay == table.delay.max()]
    mean = last.groupby("condition", sort=False)[["strength", "assembly_rate", "assembly_rate_others"]].mean()
    words = [f"a {name} one {fixed(row.assembly_rate)} Hz (trace {fixed(row.strength)})"
             for name, row in mean.iterrows()]  # fmt: skip
    return (f"A day later, among 15 others whose assemblies answer their odours with "
            f"{fixed(float(mean.assembly_rate_others.mean()))} Hz, {listed(words)}.").replace(
                "a emotional", "an emotional")  # fmt: skip


def _foreseen(tables: Tables) -> str:
    currents, theory = tables["currents"], tables["theory"]
    least = currents[currents.current > 0].current.min()
    fall = 0
    for _, group in currents.groupby("family"):
        by = group.set_index("current")
        fall += int(by.i_odour[least] < by.i_odour[0.0] and by.i_quiet[least] >= by.i_quiet[0.0])
    stable = int(theory[theory.state == "odour"].stabilised.astype(bool).sum())
    gains = _gains(tables["runaway"])
    words = [f"{row['family']} {number(row['theory'])} and {number(row['simulated'])}"
             for row in gains.to_dict("records")]  # fmt: skip
    return (f"Mean field calls the responses of {stable} of {theory.family.nunique()} families inhibition-stabilised; "
            f"in {fall} simulated ones a current of {number(least)} pA into I neurons makes them fire less "
            "during odours and not before. Assemblies without more inhibition run away at an enrichment (theory and "
            f"simulation) of {listed(words)}; the rate of all E neurons is up by 15 % from "
            f"{number(float(gains.population.min()))} on.")  # fmt: skip


def _gains(runaway: pandas.DataFrame) -> pandas.DataFrame:
    """Smallest enrichment at which assemblies fire ten times as fast as all E neurons do without, by both accounts.

    ``population``: at which the simulated rate of all E neurons has risen by more than 15 %.
    """
    rows = []
    for family, group in runaway.groupby("family"):
        ordered = group.sort_values("enrichment")
        lost = ordered[ordered.theory.isna() | (ordered.theory > _RUNAWAY * ordered.background)].enrichment
        known = ordered[ordered.enrichment.isin(ENRICHMENTS)]
        usual = float(known.population.iloc[0])
        gone = known[known.simulated.isna() | (known.simulated > _RUNAWAY * usual)].enrichment
        risen = known[known.population.isna() | (known.population > 1.15 * usual)].enrichment
        rows.append({"family": family, "theory": lost.min(), "simulated": gone.min(), "population": risen.min()})
    return pandas.DataFrame(rows)


def _yes(holds: object) -> str:
    return "not measured" if holds is None or holds != holds else "yes" if holds else "no"


def _claims_listing(table: pandas.DataFrame) -> Listing:
    rows = [
        {"claim": name, "statement": row["statement"], "holds": _yes(row["holds"]),
         "strength": number(row["strength"]), "weakest part": row["weakest"], "parts that fail": row["failing"] or "–",
         "networks": number(row["seeds"])}
        for name, row in zip(table.index, table.to_dict("records"), strict=True)
    ]  # fmt: skip
    return Listing("Claims", pandas.DataFrame(rows), ("strength", "networks"),
                   "Strength: mean of the weakest part over its standard error; a dash for one network.")  # fmt: skip


def _published_listing(against: pandas.DataFrame) -> Listing:
    rows = [
        {"regime": row["regime"], "measure": row["measure"].replace("_", " "),
         "own": f"{number(row['own'])} ± {number(row['own_sd'])}",
         "published": f"{number(row['published'])} ± {number(row['published_sd'])}",
         "difference": f"{fixed(row['difference'])} %", "z": fixed(row["z"])} for row in against.to_dict("records")
    ]  # fmt: skip
    return Listing("Own networks and the published ones", pandas.DataFrame(rows),
                   ("own", "published", "difference", "z"),
                   "Means ± SDs over networks; rates in Hz, conductances in nS.")  # fmt: skip


def _capacity_listing(limits: pandas.DataFrame) -> Listing:
    names = ("rate", "rate_novel", "rise_oldest", "rise_newest", "rise_back", "angle", "cotuning")
    rows = [
        {"regime": row["regime"], "memories": str(row["memories"]),
         **{name.replace("_", " "): fixed(row[name]) for name in names}, "rate kept": _yes(row["rate_kept"]),
         "geometry kept": _yes(row["geometry_kept"])}
        for row in limits.to_dict("records")
    ]  # fmt: skip
    return Listing("Memories that are added", pandas.DataFrame(rows), tuple(name.replace("_", " ") for name in names),
                   "Ratios to the random network; rise: Mahalanobis distance of the oldest and the newest memory to a "
                   "novel odour, and back; co-tuning of the oldest members: difference.")  # fmt: skip


def _consolidation_listing(table: pandas.DataFrame) -> Listing:
    mean = table.groupby(["condition", "delay"], sort=False).mean(numeric_only=True).reset_index()
    names = ("strength", "strength_others", "assembly_rate", "assembly_rate_others", "rate", "cotuning",
             "trial_correlation")  # fmt: skip
    rows = [{"memory": row["condition"], "hours": number(row["delay"] / 3600),
             **{name.replace("_", " "): fixed(row[name]) for name in names}}
            for row in mean.to_dict("records")]  # fmt: skip
    return Listing("A memory among 15 others", pandas.DataFrame(rows), tuple(name.replace("_", " ") for name in names),
                   f"Means over {table.seed.nunique()} networks; rates in Hz.")  # fmt: skip


def _theory_listing(tables: Tables) -> Listing:
    measures = tables["measures"]
    gains = _gains(tables["runaway"]).set_index("family")
    rows = []
    for row in tables["theory"].to_dict("records"):
        own = measures[(measures.regime == "random") & (measures.family == row["family"])]
        simulated = own[["novel", "inhibitory"]].mean() if row["state"] == "odour" else own[["baseline"]].mean()
        rows.append({
            "family": row["family"], "state": row["state"], "E": fixed(row["rate_e"]),
            "E simulated": fixed(float(simulated.iloc[0])), "I": fixed(row["rate_i"]),
            "I simulated": fixed(float(simulated.iloc[1])) if len(simulated) > 1 else "–",
            "loop E→E": fixed(row["loop"]),
            "I per drive": fixed(row["gain_i"]), "stabilised": "yes" if row["stabilised"] else "no",
            "runs away at": f"{number(gains.theory[row['family']])}, {number(gains.simulated[row['family']])}"
            if row["state"] == "odour" else "–",
        })  # fmt: skip
    return Listing("Mean field", pandas.DataFrame(rows),
                   ("E", "E simulated", "I", "I simulated", "loop E→E", "I per drive", "runs away at"),
                   "Rates in Hz. Runs away: enrichment in theory, in simulation.")  # fmt: skip


SECTION = Section("ei_assembly", "Precisely balanced assemblies", _pieces, _show, NETWORKS)
