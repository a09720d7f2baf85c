"""Experiments on one network, in a few numbers each: odours, morphs, partial stimulation, two memories more."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import geometry
from . import activity
from .assemblies import REGIMES, add_assemblies, choose_members
from .manifolds import mahalanobis_distances
from .network import EIAssemblyNetwork
from .odours import BASELINE, EIAssemblyOdours, draw_odours, odour_blocks
from .setting import PRESENTED, ROOM, Setting
from .simulation import EIAssemblyRun, Injection, run
from .subspace import morphs


def odour_measures(network: EIAssemblyNetwork, given: Setting, *, precision: str = "float64") -> dict[str, float]:
    """Rates, conductances, balance and variability in response to learned odours (twice) and novel ones."""
    n = int(network.model.n_excitatory)
    presented, learned = min(PRESENTED, network.assemblies), len(given.members[0])
    novel = list(range(learned, len(given.odours)))
    order = list(range(presented)) * 2
    mitral = odour_blocks(given.odours, order, seed=given.seed + 5, after=1.0, n_mitral=given.cells)
    done = run(network, mitral, windows=activity.response_windows(mitral), precision=precision, maximum_rate=ROOM)
    other = run(
        network,
        odour_blocks(given.odours, novel, seed=given.seed + 6, n_mitral=given.cells),
        precision=precision,
        maximum_rate=ROOM,
    )
    rates = activity.group_rates(done, network)
    evoked, cells = activity.evoked_conductances(done), np.arange(n)
    patterns = done.patterns()[:, :n]
    balance = activity.balance(evoked, cells)
    again = [np.corrcoef(patterns[k], patterns[k + presented])[0, 1] for k in range(presented)]
    variation = [
        activity.interval_variation(done, network.excitatory_members[odour], on, on + 2.0)
        for odour, on in zip(done.input.odour, done.input.on, strict=True)
    ]
    tuned = activity.cotuning(evoked, cells)
    own = np.unique(network.excitatory_members[:presented])
    return {
        "baseline": rates.baseline, "learned": rates.excitatory, "inhibitory": rates.inhibitory,
        "novel": float(other.patterns()[:, :n].mean()), "assembly_e": rates.assembly_excitatory,
        "assembly_i": rates.assembly_inhibitory, "outside": rates.outside, "active": rates.active,
        "after": rates.after, "cotuning": float(np.nanmean(tuned)), "cotuning_assembly": float(np.nanmean(tuned[own])),
        "balance_slope": balance.slope, "balance_ratio": float(balance.spread_ratios.mean()),
        "g_oe": float(evoked.afferent[:, :n].mean()),
        "g_syn": float(evoked.synaptic[:, :n].mean()), "recurrent_share": activity.recurrent_share(evoked, n),
        "pair_correlation": activity.pattern_correlation(patterns[:presented]),
        "trial_correlation": float(np.mean(again)), "interval_cv": float(np.nanmean(variation)),
    }  # fmt: skip


class Morph(NamedTuple):
    """Responses along morphs from a novel odour to a learned one, each [step], means over two pairs of odours."""

    into: np.ndarray  # correlation of the input with the learned odour's
    out: np.ndarray  # of the response with another response to the learned odour, 1 at the end
    excitatory: np.ndarray  # recurrent current at threshold into the learned odour's assembly (pA)
    inhibitory: np.ndarray


def morph_responses(
    network: EIAssemblyNetwork, given: Setting, *, steps: int = 11, trials: int = 1, precision: str = "float64"
) -> Morph:
    """Present morphs to two learned odours; ``trials`` are averaged, one more stands for what was learned."""
    n, learned = int(network.model.n_excitatory), len(given.members[0])
    shares = [float(share) for share in np.linspace(0, 1, steps)]
    pairs, currents = [], []
    for odour in (0, 1):
        between = morphs(given.odours, learned + odour, odour, shares, seed=given.seed + 20 + odour)
        vectors = np.array([_rate_vector(between, row, int(network.model.n_mitral)) for row in range(steps)])
        patterns = []
        for trial in range(trials + 1):
            seed = given.seed + 30 + 10 * odour + trial
            mitral = odour_blocks(between, list(range(steps)), seed=seed, duration=1.5, n_mitral=given.cells)
            windows = activity.response_windows(mitral)
            done = run(network, mitral, precision=precision, maximum_rate=ROOM, windows=windows)
            patterns.append(done.patterns()[:, :n])
            currents.append(_recurrent_currents(done, given.members[0][odour]))
        mean = np.mean(patterns[:-1], axis=0)
        pairs.append(geometry.pattern_completion(vectors, vectors[-1], mean, patterns[-1][-1]))
    into, out = np.mean(pairs, axis=0).T
    return Morph(into, out / out[-1], *np.mean(currents, axis=0))


def morph_measures(morph: Morph) -> dict[str, float]:
    """Pattern completion along morphs, and the current that drives the learned odour's assembly.

    ``morph_jump`` is the steepest rise of the output's correlation over that of the input's, ``morph_above`` the mean
    and ``morph_highest`` the largest excess of the output's. ``current_rise`` is how much the net recurrent current
    (pA) grows from the novel to the learned odour, ``current_excitatory`` and ``current_inhibitory`` its parts.
    """
    x, y = morph.into, morph.out
    rise = [float(part[-1] - part[0]) for part in (morph.excitatory, morph.inhibitory)]
    return {
        "morph_jump": float(np.max(np.diff(y) / np.diff(x))), "morph_above": float(np.mean(y[2:-1] - x[2:-1])),
        "morph_highest": float(np.max(y[1:-1] - x[1:-1])), "current_rise": sum(rise), "current_excitatory": rise[0],
        "current_inhibitory": rise[1],
    }  # fmt: skip


def _recurrent_currents(done: EIAssemblyRun, neurons: np.ndarray) -> np.ndarray:
    """Evoked recurrent currents (pA) at threshold, mean over neurons: [excitatory or inhibitory, presentation]."""
    model, evoked = done.model, activity.evoked_conductances(done)
    excitatory = evoked.recurrent[:, neurons] * (model.reversal_excitatory - model.threshold_excitatory)
    inhibitory = evoked.inhibitory[:, neurons] * (model.reversal_inhibitory - model.threshold_excitatory)
    return np.stack([excitatory.mean(axis=1), inhibitory.mean(axis=1)])


def _rate_vector(odours: EIAssemblyOdours, odour: int, cells: int) -> np.ndarray:
    rates = np.full(cells, BASELINE)
    there = odours.cell[odour] >= 0
    rates[odours.cell[odour, there]] += odours.change[odour, there]
    return rates


def stimulation_measures(
    network: EIAssemblyNetwork,
    given: Setting,
    *,
    current: float = 28.0,
    assemblies: int = 10,
    precision: str = "float64",
) -> dict[str, float]:
    """Half of an assembly is stimulated for 500 ms in spontaneous activity: rates (Hz) of its other half and others."""
    n, half = int(network.model.n_excitatory), network.excitatory_members.shape[1] // 2
    rows = []
    for assembly in range(assemblies):
        members = np.random.default_rng([given.seed, assembly]).permutation(network.excitatory_members[assembly])
        quiet = odour_blocks(given.odours, [], seed=given.seed + 50 + assembly, before=2.5, n_mitral=given.cells)
        done = run(network, quiet, precision=precision, maximum_rate=ROOM,
                   injections=[Injection(members[:half], current, 2.0, 2.5)])  # fmt: skip
        during, before = done.rates(2.0, 2.5)[:n], done.rates(1.5, 2.0)[:n]
        others = np.setdiff1d(np.arange(n), members)
        rows.append(
            [during[members[half:]].mean(), before[members[half:]].mean(), during[others].mean(), before[others].mean()]
        )
    mean = np.mean(rows, axis=0)
    return {"recruited": float(mean[0] - mean[1]), "others_during": float(mean[2]), "others_before": float(mean[3])}


def with_two_more(
    network: EIAssemblyNetwork, given: Setting, regime: str, overlap: float = 0.5
) -> tuple[EIAssemblyNetwork, EIAssemblyOdours]:
    """Two further memories, of odours Y and Z that share ``overlap`` of their cells, and nothing re-tuned."""
    two = draw_odours(2, seed=given.seed + 80)
    halfway = morphs(two, 0, 1, [1 - overlap], seed=given.seed + 81)
    width = max(two.cell.shape[1], halfway.cell.shape[1])
    pair = EIAssemblyOdours(
        **{
            name: np.stack(
                [_padded(getattr(two, name)[0], width, fill), _padded(getattr(halfway, name)[0], width, fill)]
            )
            for name, fill in (("cell", -1), ("change", 0.0), ("latency", 0.0), ("decay", np.inf))
        }
    )
    members = choose_members(given.base, pair, seed=given.seed + 82)
    return add_assemblies(network, members, REGIMES[regime], seed=given.seed + 83), pair


def _padded(values: np.ndarray, width: int, fill: float) -> np.ndarray:
    return np.concatenate([values, np.full(width - len(values), fill, values.dtype)])


def two_more_measures(
    network: EIAssemblyNetwork, given: Setting, regime: str, *, presentations: int = 40, cells: int = 40,
    precision: str = "float64",
) -> dict[str, float]:  # fmt: skip
    """Before and after Y and Z are learned: rates to the first ten memories and to Y and Z, how far apart Y and Z are.

    ``yz_correlation_…`` is that of their mean patterns, ``yz_mahalanobis_…`` the mean of the distances of one's
    patterns (over 0.5 s) to the other's manifold, from ``cells`` cells of their (pseudo-)assemblies.
    """
    n = int(network.model.n_excitatory)
    more, pair = with_two_more(network, given, regime)
    own = more.excitatory_members[-2:]
    old = odour_blocks(given.odours, list(range(PRESENTED)), seed=given.seed + 84, n_mitral=given.cells)
    new = odour_blocks(
        pair, [0, 1] * presentations, seed=given.seed + 85, baseline=0.0, duration=1.0, before=2.0, n_mitral=given.cells
    )
    result: dict[str, float] = {}
    for number, one in ((15, network), (17, more)):
        if number == 17 and not REGIMES[regime]:  # nothing was rewired
            return result | {name.replace("15", "17"): value for name, value in result.items()}
        result[f"rate_{number}"] = float(run(one, old, precision=precision, maximum_rate=ROOM).patterns()[:, :n].mean())
        done = run(one, new, precision=precision, maximum_rate=ROOM)
        halves = np.stack([[done.rates(on, on + 0.5)[:n], done.rates(on + 0.5, on + 1.0)[:n]] for on in new.on])
        y, z = halves[0::2].reshape(-1, n), halves[1::2].reshape(-1, n)
        far = [
            mahalanobis_distances(points, reference, own, seed=given.seed, cells=cells).mean()
            for points, reference in ((y, z), (z, y))
        ]
        result |= {
            f"yz_rate_{number}": float(halves.mean()), f"yz_mahalanobis_{number}": float(np.mean(far)),
            f"yz_correlation_{number}": float(np.corrcoef(y.mean(axis=0), z.mean(axis=0))[0, 1]),
        }  # fmt: skip
    return result
