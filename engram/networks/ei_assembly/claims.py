"""The paper's ordinal claims, each a function of measured numbers, and the table of whether they hold.

A claim is split into parts, each an inequality between two measures of the same network seed: ``left − right``,
positive where the claim holds. ``unchanged`` parts ask that a measure stays within a margin of the random network's
(the paper gives none; 15 % is the margin of its own choice rule for rates). A claim holds if every part is positive
on average over seeds; its strength is that of its weakest part, the mean over its standard error (nan with one seed),
and which one that is.

Not tested: O6, O9, O10, O14, O15 and O18 (see `NOT_TESTED`).
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

NOT_TESTED = {
    "O6": "choosing I members by odour input: `choose_members(inhibitory_by_odour=True)` builds it; not tabled",
    "O9": "net recurrent current to an assembly: recorded by `run`, not summed up",
    "O10": "the plane of two principal components: published as a figure only",
    "O14": "the simpler network: its parameters are not in the paper's text",
    "O15": "adjusted networks: not built",
    "O18": "odour concentration: not simulated",
}


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
        f"{measure}: {regime} > {other}": get(regime, measure) - get(other, measure)
        for measure in ("cotuning", "balance_ratio")
        for regime in (TUNED_I, TUNED)
        for other in (RANDOM, SCALED)
    }


def o5(get: Get) -> Parts:
    """Afferent and synaptic conductance, recurrent share (15 %) and pair correlation (0.05) as in random networks."""
    parts = {}
    for regime in (TUNED_I, TUNED):
        for measure in ("g_oe", "g_syn", "recurrent_share"):
            parts[f"{regime}: {measure}"] = _unchanged(get, regime, measure)
        difference = np.abs(get(regime, "pair_correlation") - get(RANDOM, "pair_correlation"))
        parts[f"{regime}: pair correlation"] = 0.05 - difference
    return parts


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
    """Tuned: the first components carry more of the variance near learned odours than near novel ones or in random."""
    return {
        "learned > novel": get(TUNED, "variance_learned") - get(TUNED, "variance_novel"),
        "tuned > random": get(TUNED, "variance_learned") - get(RANDOM, "variance_learned"),
    }


def o13(get: Get) -> Parts:
    """Angles near learned odours are smaller in tuned networks than in random ones."""
    return {regime: get(RANDOM, "angle_learned") - get(regime, "angle_learned") for regime in (TUNED_I, TUNED)}


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
    }


def o17(get: Get) -> Parts:
    """Learned odours are classified better than novel ones in tuned networks, and better than in random ones."""
    return {
        "quadratic: learned > novel": get(TUNED, "quadratic_learned") - get(TUNED, "quadratic_novel"),
        "quadratic: tuned > random": get(TUNED, "quadratic_learned") - get(RANDOM, "quadratic_learned"),
        "template: learned > novel": get(TUNED, "template_learned") - get(TUNED, "template_novel"),
    }


def o19(get: Get) -> Parts:
    """Two more, similar memories: tuned rate unchanged, Y and Z better separated; scaled rate up, Y and Z nearer."""
    return {
        "tuned rate unchanged (15 %)": MARGIN - np.abs(get(TUNED, "rate_17") / get(TUNED, "rate_15") - 1),
        "tuned: Y, Z less correlated": get(TUNED, "yz_15") - get(TUNED, "yz_17"),
        "scaled rate up by more than 15 %": get(SCALED, "rate_17") / get(SCALED, "rate_15") - 1 - MARGIN,
        "scaled: Y, Z more correlated": get(SCALED, "yz_17") - get(SCALED, "yz_15"),
    }


CLAIMS: dict[str, Callable[[Get], Parts]] = {
    "O1": o1, "O2": o2, "O3": o3, "O4": o4, "O5": o5, "O7": o7, "O8": o8, "O11": o11, "O12": o12, "O13": o13,
    "O16": o16, "O17": o17, "O19": o19,
}  # fmt: skip


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

    regimes = measures.groupby("seed")["regime"].nunique()
    complete = measures[measures["seed"].isin(regimes.index[regimes == measures["regime"].nunique()])]
    rows = {}
    for name, claim in CLAIMS.items():
        row: dict[str, object] = {"statement": (claim.__doc__ or "").strip()}
        try:
            parts = claim(_getter(complete))
        except KeyError as missing:
            rows[name] = {**row, "holds": None, "weakest": f"not measured: {missing.args[0]}"}
            continue
        finite = {part: values[np.isfinite(values)] for part, values in parts.items()}
        means = {part: float(values.mean()) if len(values) else float("nan") for part, values in finite.items()}
        strengths = {part: _strength(values) for part, values in finite.items()}
        known = {part: value for part, value in strengths.items() if np.isfinite(value)}
        weakest = min(known, key=lambda part: known[part]) if known else min(means, key=lambda part: means[part])
        rows[name] = {
            **row, "holds": all(mean > 0 for mean in means.values()), "strength": strengths[weakest],
            "weakest": weakest, "failing": "; ".join(part for part, mean in means.items() if not mean > 0),
            "seeds": min(len(values) for values in finite.values()),
        }  # fmt: skip
    table = pandas.DataFrame.from_dict(rows, orient="index")
    table.index.name = "claim"
    return table


def _getter(measures: pandas.DataFrame) -> Get:
    def get(regime: str, measure: str) -> np.ndarray:
        if measure not in measures:
            raise KeyError(measure)
        rows = measures[measures["regime"] == regime].sort_values("seed")
        if rows.empty:
            raise KeyError(regime)
        values = np.asarray(rows[measure].to_numpy(float))
        if np.all(np.isnan(values)):
            raise KeyError(f"{measure} ({regime})")
        return values

    return get


def _strength(values: np.ndarray) -> float:
    if len(values) < 2:
        return float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() / error) if error > 0 else float("nan")
