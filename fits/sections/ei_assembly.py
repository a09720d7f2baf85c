"""The E/I-assembly network: its claims on networks of our own, memories that are added, memories that consolidate."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas

from . import ei_assembly_figures as drawn
from . import ei_assembly_words as words
from .section import NETWORKS, Drawing, Piece, Section, Shown, Tables, Work

FAMILIES = ("A", "B", "C", "D")
_CAPACITY, _CONSOLIDATED, _THEORY = 100_000, 200_000, 300_000  # where their seeds begin
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
        simulated = {enrichment: enriched_rates(given, enrichment) for enrichment in words.ENRICHMENTS}
        runaway = []
        for enrichment in sorted({*words.ENRICHMENTS, *map(float, _GRID)}):
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
    from engram.networks.ei_assembly.summary import compare_with_published, published_measures

    table, measures = claims_table(tables["measures"]), tables["measures"]
    parts, against = claim_parts(measures), compare_with_published(measures)
    drawings = [
        Drawing("ei-assembly-claims", drawn.claims_figure(parts),
                "Every part of every claim, mean over networks divided by its standard error; right of the line it "
                "holds. Of claims measured on one network the number of parts that hold.", True),
        Drawing("ei-assembly-published", drawn.published_figure(against),
                "Networks of our own beside the published ones, means and SDs over networks. Odours are correlated "
                "more in the published set, which is one for all networks and overlaps more than by chance.", True),
        Drawing("ei-assembly-morphs", drawn.morphs_figure(tables["morphs"]),
                "Morphs from a novel to a learned odour, one network in four regimes: correlation of response and "
                "of input with the learned odour's, and recurrent currents into its assembly.", True),
        Drawing("ei-assembly-planes", drawn.planes_figure(tables["planes"]),
                "Mean responses to the mixtures of two learned (top) and two novel odours, in the plane of the first "
                "two principal components, one network in four regimes.", True),
    ]  # fmt: skip
    listings = [words.claims_listing(table), words.published_listing(against)]
    says = [words.verdict(table, claim_parts(published_measures())), words.nearness(against)]
    if "capacity" in tables:
        limits = capacity_limits(tables["capacity"])
        drawings.append(Drawing("ei-assembly-capacity", drawn.capacity_figure(limits),
                                "Memories are added and nothing is re-tuned: rates of all E neurons to the odours of "
                                "the oldest eight, the newest eight and novel ones, distances, angles and co-tuning, "
                                "relative to the random network of the same seed; means and standard errors. Grey: "
                                "within 15 %.",
                                True))  # fmt: skip
        listings.append(words.capacity_listing(limits))
        says.append(words.held(limits))
    drawings.append(Drawing("ei-assembly-consolidation", drawn.consolidation_figure(tables["consolidation"]),
                            "A neutral, an emotional and a reactivated memory among 15 others of the day before: "
                            "strength of its trace, rate of its assembly and co-tuning of its members; means and SDs "
                            "over networks. Grey: the others (rates of nine of them).",
                            True))  # fmt: skip
    drawings.append(Drawing("ei-assembly-theory", drawn.theory_figure(tables["currents"], tables["runaway"]),
                            "Mean field (lines) and simulation (points). Left, middle: a current into all I neurons. "
                            "Right: assemblies whose E→E connections are enriched and inhibition is not.",
                            True))  # fmt: skip
    listings += [words.consolidation_listing(tables["consolidation"]), words.theory_listing(tables)]
    says += [words.remembered(tables["consolidation"]), words.foreseen(tables)]
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


SECTION = Section("ei_assembly", "Precisely balanced assemblies", _pieces, _show, NETWORKS)
