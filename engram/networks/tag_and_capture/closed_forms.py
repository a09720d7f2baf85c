"""Compiled closed forms of the tag-and-capture synapse, shared by the single synapse and the network."""

from __future__ import annotations

import math

from ..._jit import kernel

SMALL = 1e-3


@kernel
def lost_of_little(x):  # type: ignore[no-untyped-def]
    """1 − exp(−x), 0 ≤ x < SMALL: the series is exact to rounding, and an order of magnitude cheaper."""
    return x * (1.0 - x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 24.0 - x * (1.0 / 120.0)))))


@kernel
def lost(x):  # type: ignore[no-untyped-def]
    """1 − exp(−x), x ≥ 0."""
    return lost_of_little(x) if x < SMALL else -math.expm1(-x)


@kernel
def regime_of(calcium, s):  # type: ignore[no-untyped-def]
    """0 below both thresholds, 1 above the lower, 2 above both."""
    return 2 if calcium > s.threshold_high else (1 if calcium > s.threshold_low else 0)


@kernel
def relax(deviation, above_high, above_low, span, s):  # type: ignore[no-untyped-def]
    """Mean and variance of the early deviation (mV) after `span` (s).

    Calcium is above the higher threshold for the first `above_high` and above the lower for the first `above_low`
    seconds (0 ≤ above_high ≤ above_low ≤ span). Linear Gaussian pieces make one Gaussian: one deviate samples them all.
    """
    mean, variance = deviation, 0.0
    if above_high > 0.0:
        change = lost(s.rates[2] * above_high)
        mean += (s.means[2] - mean) * change
        variance = s.variances[2] * (change * (2.0 - change))
    middle = above_low - above_high
    if middle > 0.0:
        change = lost(s.rates[1] * middle)
        mean += (s.means[1] - mean) * change
        variance += (s.variances[1] - variance) * (change * (2.0 - change))
    rest = span - above_low
    if rest > 0.0:
        kept = math.exp(-s.rates[0] * rest)
        mean *= kept
        variance *= kept * kept
    return mean, variance


@kernel
def tag_of(deviation, s):  # type: ignore[no-untyped-def]
    """1, −1 or 0."""
    return 1 if deviation > s.tag_threshold else (-1 if deviation < -s.tag_threshold else 0)


@kernel
def captured(late, tag, protein_seen, s):  # type: ignore[no-untyped-def]
    """Late strength after a tag has seen an integral of protein (s)."""
    if tag == 0:
        return late
    target = 1.0 if tag > 0 else -0.5
    return late + (target - late) * lost(protein_seen * s.late_rate)


@kernel
def protein_after(protein, made_for, span, s):  # type: ignore[no-untyped-def]
    """Protein, and its integral (s), after `span` (s) of which the first `made_for` had synthesis."""
    total = 0.0
    if made_for > 0.0:
        made_for = min(made_for, span)
        gain = (1.0 - protein) * lost(made_for * s.protein_rate)
        total = made_for - gain * s.tau_protein
        protein += gain
    rest = span - made_for
    if rest > 0.0:
        loss = protein * lost(rest * s.protein_rate)
        total += loss * s.tau_protein
        protein -= loss
    return protein, total


@kernel
def synthesis_left(total, now, drives, stretch, s):  # type: ignore[no-untyped-def]
    """How long (s) S·(n + 0.001) > h_0 goes on if nothing happens; 0 where it does not hold.

    ln of the left side is convex and falls, so Newton's method from `now` on approaches the root from one side.
    """
    if total <= 0.0:
        return 0.0
    reach = math.log(total / s.resting_weight)
    ahead = 0.0
    for _ in range(100):
        level, slope = drives.levels[stretch], 0.0
        for number in range(drives.rates.size):
            decayed = math.exp(-drives.rates[number] * (now + ahead - drives.starts[stretch]))
            level += drives.amplitudes[stretch, number] * decayed
            slope += drives.amplitudes[stretch, number] * decayed * drives.rates[number]
        excess = reach - s.rates[0] * ahead + math.log(level)
        if excess <= 0.0:
            break
        step = excess / (s.rates[0] + slope / level)
        ahead += step
        if step <= 1e-15 * (1.0 + now + ahead):
            break
    return ahead
