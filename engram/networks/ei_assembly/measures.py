"""Experiments on one network, in a few numbers each: odours, morphs, partial stimulation, the odour subspace."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import activity, manifolds
from .assemblies import add_assemblies, choose_members, make_regime
from .network import EIAssemblyNetwork
from .odours import BASELINE, EIAssemblyInput, EIAssemblyOdours, draw_odours, odour_blocks
from .parameters import EIAssemblyModel
from .simulation import EIAssemblyRun, Injection, run
from .subspace import mixtures, morphs, trajectory, trajectory_input
from .wiring import random_network

LEARNED, NOVEL = 15, 10
PRESENTED = 10  # learned odours that are presented
ROOM = 40.0  # Hz, for networks that fire persistently


class Setting(NamedTuple):
    """Networks of one seed share wiring, odours and members; regimes differ in rewiring only."""

    base: EIAssemblyNetwork
    odours: EIAssemblyOdours  # the learned ones first
    members: tuple[np.ndarray, np.ndarray]
    seed: int

    def network(self, regime: str, **changes: object) -> EIAssemblyNetwork:
        """The network of a regime; ``changes`` go to `make_regime`."""
        return make_regime(self.base, self.members, regime, seed=self.seed + 4, **changes)  # type: ignore[arg-type]


def setting(seed: int, family: str = "A", learned: int = LEARNED, novel: int = NOVEL) -> Setting:
    """A random network, learned and novel odours, and members for the learned ones."""
    base = random_network(EIAssemblyModel.family(family), seed=seed + 1)
    odours = draw_odours(learned + novel, seed=seed + 2)
    return Setting(base, odours, choose_members(base, odours.chosen(list(range(learned))), seed=seed + 3), seed)


def odour_measures(network: EIAssemblyNetwork, given: Setting, *, precision: str = "float64") -> dict[str, float]:
    """Rates, conductances, balance and variability in response to learned odours (twice) and novel ones."""
    n = int(network.model.n_excitatory)
    presented, learned = min(PRESENTED, network.assemblies), len(given.members[0])
    novel = list(range(learned, len(given.odours)))
    order = list(range(presented)) * 2
    mitral = odour_blocks(given.odours, order, seed=given.seed + 5, after=1.0)
    done = run(network, mitral, windows=activity.response_windows(mitral), precision=precision, maximum_rate=ROOM)
    other = run(network, odour_blocks(given.odours, novel, seed=given.seed + 6), precision=precision, maximum_rate=ROOM)
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
        "balance_slope": balance.slope, "balance_ratio": balance.ratio, "g_oe": float(evoked.afferent[:, :n].mean()),
        "g_syn": float(evoked.synaptic[:, :n].mean()), "recurrent_share": activity.recurrent_share(evoked, n),
        "pair_correlation": activity.pattern_correlation(patterns[:presented]),
        "trial_correlation": float(np.mean(again)), "interval_cv": float(np.nanmean(variation)),
    }  # fmt: skip


def morph_measures(network: EIAssemblyNetwork, given: Setting, *, steps: int = 11, trials: int = 2) -> dict[str, float]:
    """Correlation of responses with a learned odour's along a morph from a novel odour to it, and the input's."""
    n = int(network.model.n_excitatory)
    shares = [float(share) for share in np.linspace(0, 1, steps)]
    out, into = [], []
    for odour in (0, 1):
        between = morphs(given.odours, len(given.members[0]) + odour, odour, shares, seed=given.seed + 20 + odour)
        vectors = np.array([_rate_vector(between, row, int(network.model.n_mitral)) for row in range(steps)])
        into.append(np.corrcoef(vectors)[-1])
        patterns = [
            run(
                network,
                odour_blocks(between, list(range(steps)), seed=given.seed + 30 + 10 * odour + trial, duration=1.5),
                maximum_rate=ROOM,
            ).patterns()[:, :n]
            for trial in range(trials + 1)
        ]
        mean = np.mean(patterns[:-1], axis=0)
        out.append([np.corrcoef(row, patterns[-1][-1])[0, 1] for row in mean])
    x, y = np.mean(into, axis=0), np.mean(out, axis=0)
    y = y / y[-1]  # to another trial of the learned odour itself
    return {
        "morph_jump": float(np.max(np.diff(y) / np.diff(x))),
        "morph_above": float(np.mean(y[2:-1] - x[2:-1])),
        "morph_highest": float(np.max(y[1:-1] - x[1:-1])),
    }


def _rate_vector(odours: EIAssemblyOdours, odour: int, cells: int) -> np.ndarray:
    rates = np.full(cells, BASELINE)
    there = odours.cell[odour] >= 0
    rates[odours.cell[odour, there]] += odours.change[odour, there]
    return rates


def stimulation_measures(
    network: EIAssemblyNetwork, given: Setting, *, current: float = 28.0, assemblies: int = 5
) -> dict[str, float]:
    """Half of an assembly is stimulated for 500 ms in spontaneous activity: rates (Hz) of its other half and others."""
    n, half = int(network.model.n_excitatory), network.excitatory_members.shape[1] // 2
    rows = []
    for assembly in range(assemblies):
        members = np.random.default_rng([given.seed, assembly]).permutation(network.excitatory_members[assembly])
        quiet = odour_blocks(given.odours, [], seed=given.seed + 50 + assembly, before=2.5)
        done = run(network, quiet, injection=Injection(members[:half], current, 2.0, 2.5), maximum_rate=ROOM)
        during, before = done.rates(2.0, 2.5)[:n], done.rates(1.5, 2.0)[:n]
        others = np.setdiff1d(np.arange(n), members)
        rows.append(
            [during[members[half:]].mean(), before[members[half:]].mean(), during[others].mean(), before[others].mean()]
        )
    mean = np.mean(rows, axis=0)
    return {"recruited": float(mean[0] - mean[1]), "others_during": float(mean[2]), "others_before": float(mean[3])}


class Subspace(NamedTuple):
    """Responses to the 121 mixtures of two learned (top) and two novel (bottom) odours."""

    patterns: np.ndarray  # [pattern, E neuron]: rates over 1 s
    halves: np.ndarray  # [pattern, half, E neuron]: over 0.5 s each
    pixel: np.ndarray
    trial: np.ndarray  # trajectory
    groups: np.ndarray  # [4, member]: the (pseudo-)assemblies of the four pure odours


def run_subspace(
    network: EIAssemblyNetwork, given: Setting, *, trajectories: int = 8, precision: str = "float64"
) -> Subspace:
    """Every trajectory draws its mixtures anew."""
    n, learned = int(network.model.n_excitatory), len(given.members[0])
    pure = (0, 1, learned, learned + 1)
    patterns, halves, pixel, trial = [], [], [], []
    for kind in range(trajectories):
        order = trajectory(kind)
        between = mixtures(given.odours, pure, seed=given.seed + 60)
        mitral: EIAssemblyInput = trajectory_input(between, order, seed=given.seed + 70 + kind)
        done: EIAssemblyRun = run(network, mitral, precision=precision, maximum_rate=ROOM)
        parts = np.stack([[done.rates(on, on + 0.5)[:n], done.rates(on + 0.5, on + 1.0)[:n]] for on in mitral.on])
        halves.append(parts.astype(np.float32))
        patterns.append(parts.mean(axis=1))
        pixel += order
        trial += [kind] * len(order)
    pseudo = choose_members(network, given.odours.chosen([learned, learned + 1]), seed=given.seed + 3)[0]
    groups = np.concatenate([network.excitatory_members[:2], pseudo])
    return Subspace(np.concatenate(patterns), np.concatenate(halves), np.array(pixel), np.array(trial), groups)


def subspace_measures(found: Subspace, seed: int, *, cells: int = 80, draws: int = 20) -> dict[str, float]:
    """Participation ratios, local variances, angles, distances and classification."""
    p, pixel = found.patterns, found.pixel
    top = pixel < 55  # the five rows nearest the learned odours; the last five are the novel part
    axes = manifolds.components(p, min(400, len(p) - 1))
    near = [manifolds.local_variances(p, pixel, corner, axes) for corner in range(4)]
    angle = [manifolds.angles(p, pixel, found.trial, corner, axes).mean() for corner in range(4)]
    result = {
        "pr": manifolds.participation_ratio(p), "pr_learned": manifolds.participation_ratio(p[top]),
        "pr_novel": manifolds.participation_ratio(p[pixel >= 66]),
        "variance_learned": float(np.mean([v[:5].sum() / v.sum() for v in near[:2]])),
        "variance_novel": float(np.mean([v[:5].sum() / v.sum() for v in near[2:]])),
        "angle_learned": float(np.mean(angle[:2])), "angle_novel": float(np.mean(angle[2:])),
    }  # fmt: skip
    classes = [manifolds.pixels_near(corner, 60) for corner in range(4)]
    split = found.halves.reshape(-1, p.shape[1]).astype(float)
    of = np.repeat(pixel, 2)
    kinds = ("learned", "learned", "novel", "novel")
    by: dict[str, list[float]] = {}
    for a in range(4):
        reference = split[np.isin(of, classes[a])]
        for b in range(4):
            if a == b:
                continue
            points = split[np.isin(of, classes[b])]
            name = f"{kinds[b]}_to_{kinds[a]}"
            far = manifolds.mahalanobis_distances(points, reference, found.groups, seed=seed, cells=cells, draws=draws)
            by.setdefault(f"mahalanobis_{name}", []).append(float(far.mean()))
            used = np.unique(found.groups)
            flat = manifolds.euclidean_distances(points[:, used], reference[:, used])
            by.setdefault(f"euclidean_{name}", []).append(float(flat.mean()))
    result.update({name: float(np.mean(values)) for name, values in by.items()})
    label = np.concatenate([np.full(np.isin(of, own).sum(), corner) for corner, own in enumerate(classes)])
    train = np.concatenate([split[np.isin(of, own)] for own in classes])
    for kind, corners in (("learned", (0, 1)), ("novel", (2, 3))):
        hits, matched = [], []
        for corner in corners:
            ring = np.setdiff1d(manifolds.pixels_near(corner, 40), np.concatenate(classes))
            test = split[np.isin(of, ring)]
            votes = manifolds.quadratic_classification(
                train, label, test, found.groups, seed=seed, cells=cells, draws=draws
            )
            hits.append(votes[:, corner].mean())
            used = np.unique(found.groups)
            matched.append(
                manifolds.template_matching(train[:, used], label, test[:, used], seed=seed)[:, corner].mean()
            )
        result[f"quadratic_{kind}"] = float(np.mean(hits))
        result[f"template_{kind}"] = float(np.mean(matched))
    return result


def with_two_more(
    network: EIAssemblyNetwork, given: Setting, regime: str, overlap: float = 0.5
) -> tuple[EIAssemblyNetwork, EIAssemblyOdours]:
    """Two further memories, of odours Y and Z that share ``overlap`` of their cells, and nothing re-tuned."""
    from .assemblies import REGIMES

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


def two_more_measures(network: EIAssemblyNetwork, given: Setting, regime: str) -> dict[str, float]:
    """Rate to the first ten memories, and correlation of the patterns of Y and Z, before and after they are learned."""
    n = int(network.model.n_excitatory)
    more, pair = with_two_more(network, given, regime)
    old = odour_blocks(given.odours, list(range(PRESENTED)), seed=given.seed + 84)
    new = odour_blocks(pair, [0, 1, 0, 1], seed=given.seed + 85)
    result = {}
    for number, one in ((15, network), (17, more)):
        result[f"rate_{number}"] = float(run(one, old, maximum_rate=ROOM).patterns()[:, :n].mean())
        patterns = run(one, new, maximum_rate=ROOM).patterns()[:, :n]
        y, z = patterns[0::2].mean(axis=0), patterns[1::2].mean(axis=0)
        result[f"yz_{number}"] = float(np.corrcoef(y, z)[0, 1])
    return result
