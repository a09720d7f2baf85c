"""The paper's ordinal claims, each a function of measured numbers, and the table of whether they hold.

A claim is split into parts, each an inequality between two measures of the same network seed: ``left − right``,
positive where the claim holds. ``unchanged`` parts ask that a measure stays within a margin of the random network's
(the paper gives none; 15 % is the margin of its own choice rule for rates). A claim holds if every part is positive
on average over seeds; its strength is that of its weakest part, the mean over its standard error (nan with one seed),
and which one that is. Where the paper gives words only, such as "abrupt" or "large", the number is ours and stands in
the name of the part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas

Parts = dict[str, np.ndarray]
Get = Callable[[str, str], np.ndarray]  # (regime, measure) -> one value a seed

RANDOM, SCALED, TUNED_I, TUNED = "random", "scaled I", "tuned I", "tuned E+I"
MARGIN = 0.15
TUNED_ADJUSTED, SCALED_ADJUSTED, EXCITABLE, ODOUR_CHOSEN = (
    "tuned adjusted",
    "scaled adjusted",
    "excitable",
    "I by odour",
)


def _unchanged(get: Get, regime: str, measure: str, margin: float = MARGIN) -> np.ndarray:
    reference = get(RANDOM, measure)
    return np.asarray(margin - np.abs(get(regime, measure) / reference - 1))


def o1(get: Get) -> Parts:
    """Scaled: assembly rates far above random, others below; regular, persistent, reproducible firing."""
    return {
        "assembly rate > 3 × random": get(SCALED, "assembly_e") - 3 * get(RANDOM, "assembly_e"),
        "outside rate < random": get(RANDOM, "outside") - get(SCALED, "outside"),
        "CV of intervals < tuned": get(TUNED, "interval_cv") - get(SCALED, "interval_cv"),
        "rate after the odour > 5 × random": get(SCALED, "after") - 5 * get(RANDOM, "after"),
        "trial correlation > random": get(SCALED, "trial_correlation") - get(RANDOM, "trial_correlation"),
    }


def o2(get: Get) -> Parts:
    """Tuned: novel = learned = random rates (within 15 %); scaled: novel lower than learned."""
    parts = {}
    for regime in (TUNED_I, TUNED):
        parts[f"{regime}: novel = learned"] = MARGIN - np.abs(get(regime, "novel") / get(regime, "learned") - 1)
        parts[f"{regime}: learned = random"] = _unchanged(get, regime, "learned")
        parts[f"{regime}: novel = random"] = _unchanged(get, regime, "novel")
    parts["scaled: novel < learned"] = get(SCALED, "learned") - get(SCALED, "novel")
    return parts


def o3(get: Get) -> Parts:
    """Assembly rate: random < tuned << scaled; tuned firing stays irregular."""
    parts = {}
    for regime in (TUNED_I, TUNED):
        parts[f"{regime} > random"] = get(regime, "assembly_e") - get(RANDOM, "assembly_e")
        parts[f"scaled > 1.5 × {regime}"] = get(SCALED, "assembly_e") - 1.5 * get(regime, "assembly_e")
        parts[f"{regime}: CV of intervals ≥ 0.8 × random"] = get(regime, "interval_cv") - 0.8 * get(
            RANDOM, "interval_cv"
        )
    return parts


def o4(get: Get) -> Parts:
    """Co-tuning, by correlation and by the ratio of SDs: tuned networks above random and scaled."""
    return {
        f"{name}: {regime} > {other}": get(regime, measure) - get(other, measure)
        for measure, name in (("cotuning", "correlation"), ("balance_ratio", "ratio of SDs"))
        for regime in (TUNED_I, TUNED)
        for other in (RANDOM, SCALED)
    }


def o5(get: Get) -> Parts:
    """Afferent and synaptic conductance, recurrent share (15 %) and pair correlation (0.05) as in random networks."""
    parts = {}
    for regime in (TUNED_I, TUNED):
        for measure, name in (("g_oe", "afferent conductance"), ("g_syn", "synaptic conductance"),
                              ("recurrent_share", "recurrent share")):  # fmt: skip
            parts[f"{regime}: {name}"] = _unchanged(get, regime, measure)
        difference = np.abs(get(regime, "pair_correlation") - get(RANDOM, "pair_correlation"))
        parts[f"{regime}: pair correlation"] = 0.05 - difference
    return parts


def o6(get: Get) -> Parts:
    """With I members chosen by input from the odour no enrichment holds random rates; by the assembly's, one does."""
    return {
        "by odour: always more than 15 % off": get(ODOUR_CHOSEN, "by_odour_deviation") - MARGIN,
        "by assembly: within 15 %": MARGIN - get(ODOUR_CHOSEN, "by_assembly_deviation"),
    }


def o7(get: Get) -> Parts:
    """Morphs: random at or below the input's correlation; scaled abrupt and above it; tuned between them."""
    return {
        "random stays at or below the input (0.05)": 0.05 - get(RANDOM, "morph_highest"),
        "scaled crosses above the input": get(SCALED, "morph_highest") - 0.05,
        "scaled rises more abruptly than random": get(SCALED, "morph_jump") - get(RANDOM, "morph_jump"),
        "scaled rises more abruptly than tuned": get(SCALED, "morph_jump") - get(TUNED, "morph_jump"),
        "tuned above random": get(TUNED, "morph_above") - get(RANDOM, "morph_above"),
        "tuned stays at or below the input (0.05)": 0.05 - get(TUNED, "morph_highest"),
    }


def o8(get: Get) -> Parts:
    """Stimulating half of an assembly recruits the other half in all structured networks, and hardly anything else."""
    parts = {}
    for regime in (SCALED, TUNED_I, TUNED):
        parts[f"{regime} recruits more than random"] = get(regime, "recruited") - 2 * get(RANDOM, "recruited")
        change = get(regime, "others_during") - get(regime, "others_before")
        parts[f"{regime}: others rise by less than a tenth"] = 0.1 * get(regime, "recruited") - change
    return parts


def o9(get: Get) -> Parts:
    """Net recurrent current into an assembly near its odour: flat in random, large in scaled, small in tuned."""
    rise = {regime: get(regime, "current_rise") for regime in (RANDOM, SCALED, TUNED_I, TUNED)}
    return {
        "scaled rises": rise[SCALED],
        "random is flat (below a tenth of scaled)": 0.1 * rise[SCALED] - np.abs(rise[RANDOM]),
        **{f"{regime} rises": rise[regime] for regime in (TUNED_I, TUNED)},
        **{f"{regime} rises less than half as much as scaled": 0.5 * rise[SCALED] - rise[regime]
           for regime in (TUNED_I, TUNED)},
    }  # fmt: skip


def o10(get: Get) -> Parts:
    """Plane of two components: random keeps the square, scaled falls in three clusters, tuned is curved, continuous."""
    return {
        "random nearer the square than tuned": get(TUNED, "plane_disparity") - get(RANDOM, "plane_disparity"),
        "tuned nearer the square than scaled": get(SCALED, "plane_disparity") - get(TUNED, "plane_disparity"),
        "scaled: three clusters hold half of what they leave in tuned": 0.5 * get(TUNED, "plane_clusters") - get(
            SCALED, "plane_clusters"),
        "tuned: longest step shorter than scaled's": get(SCALED, "plane_step") - get(TUNED, "plane_step"),
    }  # fmt: skip


def o11(get: Get) -> Parts:
    """Participation ratio: random > tuned > scaled for all stimuli; tuned = random (15 %) for the novel part."""
    return {
        "random > tuned E+I": get(RANDOM, "pr") - get(TUNED, "pr"),
        "random > tuned I": get(RANDOM, "pr") - get(TUNED_I, "pr"),
        "tuned E+I > scaled": get(TUNED, "pr") - get(SCALED, "pr"),
        "tuned I > scaled": get(TUNED_I, "pr") - get(SCALED, "pr"),
        "novel part: tuned E+I = random": _unchanged(get, TUNED, "pr_novel"),
    }


def o12(get: Get) -> Parts:
    """Tuned: near learned odours the first components carry more of the variance than near novel ones or in random."""
    return {
        "first five: learned > novel": get(TUNED, "variance_learned") - get(TUNED, "variance_novel"),
        "first five: tuned > random": get(TUNED, "variance_learned") - get(RANDOM, "variance_learned"),
        "200 to 400: tuned < random": get(RANDOM, "tail_learned") - get(TUNED, "tail_learned"),
    }


def o13(get: Get) -> Parts:
    """Angles near learned odours are smaller in tuned networks than in random ones."""
    return {regime: get(RANDOM, "angle_learned") - get(regime, "angle_learned") for regime in (TUNED_I, TUNED)}


SIMPLE_CLAIMS = ("O2", "O3", "O4", "O10", "O11")


def o14(get: Get) -> Parts:
    """In simple networks (E and I neurons alike) O2, O3, O4, O10 and O11 hold."""

    def simple(regime: str, measure: str) -> np.ndarray:
        return get(f"simple {regime}", measure)

    return {
        f"{name}, {part}": values for name in SIMPLE_CLAIMS for part, values in CLAIMS[name](simple).items()
    }  # fmt: skip


def o15(get: Get) -> Parts:
    """Curvature and asymmetry go when tuned assemblies fire as in random, and come when others fire as tuned ones."""
    curved = {name: get(RANDOM, "angle_learned") - get(name, "angle_learned")
              for name in (TUNED, TUNED_ADJUSTED, SCALED_ADJUSTED, EXCITABLE)}  # fmt: skip

    def asymmetry(regime: str) -> np.ndarray:
        there, back = (
            get(regime, f"mahalanobis_{pair}") / get(RANDOM, f"mahalanobis_{pair}")
            for pair in ("learned_to_novel", "novel_to_learned")
        )
        return np.asarray(there - back)

    return {
        "tuned adjusted: less than half the curvature of tuned": 0.5 * curved[TUNED] - curved[TUNED_ADJUSTED],
        "tuned adjusted: less than half the asymmetry of tuned": 0.5 * asymmetry(TUNED) - asymmetry(TUNED_ADJUSTED),
        "scaled adjusted: curved": curved[SCALED_ADJUSTED],
        "scaled adjusted: asymmetric": asymmetry(SCALED_ADJUSTED),
        "excitable: curved": curved[EXCITABLE],
        "excitable: asymmetric": asymmetry(EXCITABLE),
        "scaled adjusted: co-tuning below tuned": get(TUNED, "cotuning") - get(SCALED_ADJUSTED, "cotuning"),
        "scaled adjusted: novel < learned": get(SCALED_ADJUSTED, "learned") - get(SCALED_ADJUSTED, "novel"),
        "excitable: population rate above random": get(EXCITABLE, "space_rate") - get(RANDOM, "space_rate"),
        "excitable: curves less than tuned": curved[TUNED] - curved[EXCITABLE],
    }


def o16(get: Get) -> Parts:
    """Mahalanobis distance of learned patterns to novel classes rises most; the Euclidean one nearly symmetrically."""

    def rise(distance: str, pair: str) -> np.ndarray:
        return np.asarray(get(TUNED, f"{distance}_{pair}") / get(RANDOM, f"{distance}_{pair}"))

    there, back = rise("mahalanobis", "learned_to_novel"), rise("mahalanobis", "novel_to_learned")
    skew = np.abs(rise("euclidean", "learned_to_novel") - rise("euclidean", "novel_to_learned"))
    return {
        "learned to novel rises": there - 1.1,
        "and more than novel to learned": there - back,
        "novel to novel does not (15 %)": 0.15 - np.abs(rise("mahalanobis", "novel_to_novel") - 1),
        "Euclidean: less asymmetric": np.abs(there - back) - skew,
        "cells of the whole population: rises less": there - rise("population", "learned_to_novel"),
    }


def o17(get: Get) -> Parts:
    """Learned odours are classified better than novel ones in tuned networks, and better than in random ones."""
    return {
        "quadratic: learned > novel": get(TUNED, "quadratic_learned") - get(TUNED, "quadratic_novel"),
        "quadratic: tuned > random": get(TUNED, "quadratic_learned") - get(RANDOM, "quadratic_learned"),
        "template: learned > novel": get(TUNED, "template_learned") - get(TUNED, "template_novel"),
        "template: scaled not better than tuned": get(TUNED, "template_learned") - get(SCALED, "template_learned"),
        "template: scaled depends more on the trajectory": get(SCALED, "template_hysteresis")
        - get(TUNED, "template_hysteresis"),
    }


def o18(get: Get) -> Parts:
    """Concentration: read worst from scaled networks, best for learned odours from tuned ones."""
    error = {(regime, kind): get(regime, f"concentration_error_{kind}")
             for regime in (RANDOM, SCALED, TUNED) for kind in ("learned", "novel")}  # fmt: skip
    right = {key: get(key[0], f"concentration_correct_{key[1]}") for key in error}
    best = (TUNED, "learned")
    return {
        "regression error: scaled > random": error[SCALED, "learned"] - error[RANDOM, "learned"],
        "regression error: scaled > tuned": error[SCALED, "learned"] - error[best],
        "regression error: tuned, learned < novel": error[TUNED, "novel"] - error[best],
        "regression error: tuned < random": error[RANDOM, "learned"] - error[best],
        "classification: tuned, learned > novel": right[best] - right[TUNED, "novel"],
        "classification: tuned > random": right[best] - right[RANDOM, "learned"],
        "classification: tuned > scaled": right[best] - right[SCALED, "learned"],
    }


def o19(get: Get) -> Parts:
    """Two more, similar memories Y and Z: tuned rate unchanged, Y, Z further apart; scaled rate up, Y, Z nearer."""

    def change(regime: str, measure: str) -> np.ndarray:
        return np.asarray(get(regime, f"{measure}_17") / get(regime, f"{measure}_15") - 1)

    return {
        "tuned: rate to old memories unchanged (15 %)": MARGIN - np.abs(change(TUNED, "rate")),
        "tuned: rate to Y, Z unchanged (15 %)": MARGIN - np.abs(change(TUNED, "yz_rate")),
        "tuned: Y, Z less correlated": -change(TUNED, "yz_correlation"),
        "tuned: Mahalanobis distance of Y, Z up": change(TUNED, "yz_mahalanobis"),
        "scaled: rate to Y, Z up by more than 15 %": change(SCALED, "yz_rate") - MARGIN,
        "scaled: Y, Z more correlated": change(SCALED, "yz_correlation"),
    }


CLAIMS: dict[str, Callable[[Get], Parts]] = {
    f"O{number}": claim
    for number, claim in enumerate(
        (o1, o2, o3, o4, o5, o6, o7, o8, o9, o10, o11, o12, o13, o14, o15, o16, o17, o18, o19), start=1
    )
}


def claims_table(measures: pandas.DataFrame) -> pandas.DataFrame:
    """Whether each claim holds.

    Parameters
    ----------
    measures : pandas.DataFrame
        One row for each seed and regime: columns seed, regime, and the measures of
        `engram.networks.ei_assembly.measures`.

    Returns
    -------
    pandas.DataFrame
        Indexed by claim: statement, holds (None where a measure is missing), strength, weakest part, parts that fail,
        seeds.
    """
    import pandas

    rows = {}
    for name, claim in CLAIMS.items():
        row: dict[str, object] = {"statement": (claim.__doc__ or "").strip()}
        try:
            parts = claim(_getter(measures))
        except KeyError as missing:
            rows[name] = {**row, "holds": None, "weakest": f"not measured: {missing.args[0]}", "failing": ""}
            continue
        told = pandas.DataFrame([_part(part, values) for part, values in parts.items()])
        known = told.strength.notna().any()
        weakest = told.iloc[int((told.strength if known else told["mean"]).argmin())]
        failing = told[~(told["mean"] > 0)]
        rows[name] = {
            **row, "holds": failing.empty, "strength": float(weakest.strength), "weakest": weakest.part,
            "parts": len(told), "failing": "; ".join(failing.part), "seeds": int(told.seeds.min()),
        }  # fmt: skip
    table = pandas.DataFrame.from_dict(rows, orient="index")
    table.index.name = "claim"
    return table


def claim_parts(measures: pandas.DataFrame) -> pandas.DataFrame:
    """Every part of every claim that was measured: claim, part, mean and standard error over seeds, strength, seeds."""
    import pandas

    rows: list[dict[str, object]] = []
    for name, claim in CLAIMS.items():
        try:
            parts = claim(_getter(measures))
        except KeyError:
            continue
        rows += [{"claim": name, **_part(part, values)} for part, values in parts.items()]
    return pandas.DataFrame(rows)


def _part(name: str, values: np.ndarray) -> dict[str, object]:
    finite = values[np.isfinite(values)]
    n = len(finite)
    error = float(finite.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    mean = float(finite.mean()) if n else float("nan")
    strength = mean / error if error > 0 else float("nan")
    return {"part": name, "mean": mean, "error": error, "strength": strength, "seeds": n}


def _getter(measures: pandas.DataFrame) -> Get:
    """Measures in the order of seeds, nan where a seed lacks a regime."""
    seeds = np.unique(measures["seed"])

    def get(regime: str, measure: str) -> np.ndarray:
        if measure not in measures:
            raise KeyError(measure)
        rows = measures[measures["regime"] == regime].set_index("seed")
        if rows.empty:
            raise KeyError(regime)
        values = np.asarray(rows[measure].reindex(seeds).to_numpy(float))
        if np.all(np.isnan(values)):
            raise KeyError(f"{measure} ({regime})")
        return values

    return get
