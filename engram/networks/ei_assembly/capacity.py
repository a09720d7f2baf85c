"""How many memories can be added before a regime leaves its rate of 1 Hz, or loses the geometry of its memories?

Memories are written one after the other and nothing is re-tuned. Presented are odours of the memories written first and
last and novel ones, and the mixtures near the pure odour of the oldest memory, of the newest, and of a novel one, which
tell what is left of the geometry: that patterns near a learned odour lie far from the manifold of a novel one
(Mahalanobis distance, relative to the random network's), and that they lie on a curved manifold (small angles).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from ... import geometry
from . import activity, manifolds
from .assemblies import choose_members, make_regime
from .network import EIAssemblyNetwork
from .odours import EIAssemblyOdours, draw_odours, odour_blocks
from .parameters import EIAssemblyModel
from .setting import ROOM
from .simulation import SpikeCapacityError, run
from .subspace import mixtures, trajectory_input
from .wiring import random_network

if TYPE_CHECKING:
    import pandas

MEMORIES = (15, 30, 60, 120)
REGIMES = ("scaled I", "tuned I", "tuned E+I")
PRESENTED, TRIALS = 8, 4
CELLS = 60  # of the three (pseudo-)assemblies
RATE_MARGIN, RISE = 0.15, 1.1  # leaves 1 Hz; still keeps its geometry


def capacity_measures(
    seed: int, regime: str, memories: int, *, most: int = max(MEMORIES), family: str = "A",
    precision: str = "float32",
) -> dict[str, object]:  # fmt: skip
    """A row of `capacity_experiment`; networks of one seed and ``most`` share odours and members."""
    base = random_network(EIAssemblyModel.family(family), seed=seed + 1)
    odours = draw_odours(most + PRESENTED, seed=seed + 2)
    members = choose_members(base, odours.chosen(list(range(memories))), seed=seed + 3)
    network = make_regime(base, members, regime, seed=seed + 4)
    row: dict[str, object] = {
        "seed": seed, "family": family, "regime": regime, "memories": memories, "runaway": False,
    }  # fmt: skip
    try:
        return row | _rates(network, odours, most, seed, precision) | _local(network, odours, most, seed, precision)
    except SpikeCapacityError:
        return row | {"runaway": True}


def _rates(
    network: EIAssemblyNetwork, odours: EIAssemblyOdours, most: int, seed: int, precision: str
) -> dict[str, float]:
    n, known = int(network.model.n_excitatory), network.assemblies
    first, last = list(range(PRESENTED)), list(range(known - PRESENTED, known))
    order = [*first, *first, *last, *range(most, most + PRESENTED)]
    mitral = odour_blocks(odours, order, seed=seed + 5)
    done = run(
        network, mitral, windows=activity.response_windows(mitral), precision=precision, maximum_rate=ROOM
    )  # fmt: skip
    patterns = done.patterns()[:, :n]
    once, again, late, new = np.split(patterns, 4)
    members = network.excitatory_members
    evoked = activity.evoked_conductances(done)
    learned = activity.EvokedConductances(*(part[: 3 * PRESENTED] for part in evoked))
    trials = [np.corrcoef(a, b)[0, 1] for a, b in zip(once, again, strict=True)]
    return {
        "rate_first": float(once.mean()), "rate_last": float(late.mean()), "rate_novel": float(new.mean()),
        "assembly_first": float(np.mean([once[row, members[k]].mean() for row, k in enumerate(first)])),
        "assembly_last": float(np.mean([late[row, members[k]].mean() for row, k in enumerate(last)])),
        "baseline": float(np.mean([done.rates(on - 0.5, on)[:n].mean() for on in mitral.on])),
        "cotuning": float(activity.cotuning(learned, np.unique(members[first])).mean()),
        "pair_correlation": activity.pattern_correlation(once), "trial_correlation": float(np.mean(trials)),
        "participation_ratio": geometry.participation_ratio(np.concatenate([once, late]), estimator="plug-in"),
    }  # fmt: skip


def _local(
    network: EIAssemblyNetwork, odours: EIAssemblyOdours, most: int, seed: int, precision: str
) -> dict[str, float]:
    """Distances and angles near the oldest memory, the newest, and a novel odour."""
    n, known = int(network.model.n_excitatory), network.assemblies
    pure = (0, known - 1, most, most + 1)
    near = [manifolds.pixels_near(corner, 60) for corner in range(3)]
    order = [int(pixel) for pixels in near for pixel in pixels]
    halves, trial = [], np.repeat(np.arange(TRIALS), len(order))
    for number in range(TRIALS):
        between = mixtures(odours, pure, seed=seed + 10 + number)
        done = run(
            network, trajectory_input(between, order, seed=seed + 20 + number), precision=precision, maximum_rate=ROOM
        )
        halves += [[done.rates(on, on + 0.5)[:n], done.rates(on + 0.5, on + 1.0)[:n]] for on in done.input.on]
    split, pixel = np.array(halves), np.array(order * TRIALS)
    novel = choose_members(network, odours.chosen([most]), seed=seed + 3)[0]
    groups = np.concatenate([network.excitatory_members[[0, known - 1]], novel])
    coordinates = geometry.principal_coordinates(split.mean(axis=1))
    oldest, newest, new = (split[np.isin(pixel, pixels)].reshape(-1, n) for pixels in near)

    def far(points: np.ndarray, reference: np.ndarray) -> float:
        return float(manifolds.mahalanobis_distances(points, reference, groups, seed=seed, cells=CELLS).mean())

    angle = [manifolds.angles(coordinates, pixel, trial, corner).mean() for corner in range(3)]
    return {
        "distance_oldest": far(oldest, new), "distance_newest": far(newest, new), "distance_back": far(new, oldest),
        "angle_oldest": float(angle[0]), "angle_newest": float(angle[1]), "angle_novel": float(angle[2]),
    }  # fmt: skip


def capacity_experiment(
    seeds: Sequence[int],
    *,
    memories: Sequence[int] = MEMORIES,
    regimes: Sequence[str] = REGIMES,
    family: str = "A",
    precision: str = "float32",
    threads: int = 1,
) -> pandas.DataFrame:
    """Rates, co-tuning and geometry as memories are added and nothing is re-tuned.

    Parameters
    ----------
    seeds : sequence of int
        One network each; at least 100 apart.
    memories : sequence of int
        How many are written, at least 8.
    regimes : sequence of str
        Beside the random network, which is measured once for each seed.
    family, precision
        As in `network_results`.
    threads : int
        Networks at a time. The numbers do not depend on it.

    Returns
    -------
    pandas.DataFrame
        One row for each seed, regime and number of memories: rates (Hz) to the odours of the memories written first
        and last and to novel ones, of their assemblies, and before odours; co-tuning of members; correlations between
        patterns and over trials; participation ratio; Mahalanobis distances between (pseudo-)memories and the novel
        odour, and angles (rad). A network that runs away has nan and ``runaway`` True.
    """
    import pandas

    jobs = [(seed, regime, number) for seed in seeds for regime in regimes for number in memories]
    jobs += [(seed, "random", min(memories)) for seed in seeds]
    with ThreadPoolExecutor(threads) as pool:
        rows = pool.map(
            lambda job: capacity_measures(*job, most=max(memories), family=family, precision=precision), jobs
        )
        return pandas.DataFrame(list(rows))


def capacity_limits(table: pandas.DataFrame) -> pandas.DataFrame:
    """At how many memories each regime leaves the random network's rate (by 15 %), or loses its geometry.

    Parameters
    ----------
    table : pandas.DataFrame
        From `capacity_experiment`.

    Returns
    -------
    pandas.DataFrame
        One row for each regime and number of memories, means over seeds, relative to the random network of the same
        seed: ``rate_oldest`` and ``rate_newest`` (of all E neurons to odours of the memories written first and last),
        ``rate_novel``, ``rise_oldest``, ``rise_newest``, ``rise_back`` (distances), ``angle`` (of the oldest),
        ``cotuning`` (difference); ``baseline`` (Hz); and whether ``rate_kept``, by both the oldest and the newest, and
        ``geometry_kept``: the distance of the oldest memory has risen by more than 10 %, and by more than the
        distance back.
    """
    import pandas

    random = table[table.regime == "random"].set_index("seed")
    rows = []
    for (regime, number), group in table[table.regime != "random"].groupby(["regime", "memories"], sort=False):
        one = group.set_index("seed")
        of = random.loc[one.index]
        found = pandas.DataFrame(
            {
                "rate_oldest": one.rate_first / of.rate_first, "rate_newest": one.rate_last / of.rate_last,
                "rate_novel": one.rate_novel / of.rate_novel, "baseline": one.baseline,
                "rise_oldest": one.distance_oldest / of.distance_oldest,
                "rise_newest": one.distance_newest / of.distance_newest,
                "rise_back": one.distance_back / of.distance_back, "angle": one.angle_oldest / of.angle_oldest,
                "cotuning": one.cotuning - of.cotuning,
            }
        )  # fmt: skip
        mean = found.mean()
        rows.append(
            {
                "regime": regime, "memories": number, "seeds": len(found), "runaway": int(one.runaway.sum()), **mean,
                **{f"{name}_error": error for name, error in found.sem().items()},
                "rate_kept": all(bool(abs(mean[name] - 1) <= RATE_MARGIN) for name in ("rate_oldest", "rate_newest")),
                "geometry_kept": bool(mean["rise_oldest"] > RISE and mean["rise_oldest"] > mean["rise_back"]),
            }
        )  # fmt: skip
    return pandas.DataFrame(rows)
