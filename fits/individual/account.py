"""A generative account: networks of connectivity set a person's neuromodulatory gain, and with it what emotion adds.

Everything here is simulated, and its sizes are assumed; the signs, four positive and two negative networks, and the
independence from the amygdala's response are what fMRI of 1 498 people showed.

network strength   s_ik ~ N(0, 1), of person i and network k
gain               ln γ_i = ln γ + σ(√a Σ_k ±s_ik/√K + √b r_i + √(1 − a − b) ε_i): a share a of the variance between
                   people comes from networks, b from a region's response r_i (0 in the account), the rest from neither
memory             noradrenaline at arousing items multiplies encoding by γ_i in any consolidation model; a test with
                   confidence a while later; enhancement = share called "definitely old", arousing − calm
connectome         time series of regions: a signal common to all, one common to the regions of each network, of which
                   a region has the share q_ik = q/(1 + e^(−(c + l s_ik))) of its variance, and noise of its own. Edges
                   are Fisher's z of their correlations: positive definite matrices, with the error of so many volumes.
regions            responses to emotion: r_i (the amygdala's, first) and others, each measured with a reliability
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Integral, Real

import numpy as np
import pandas
from scipy.interpolate import PchipInterpolator
from scipy.special import expit

from engram import Encode, EncodingOnly, Protocol, Release, minute
from engram.consolidation import ConsolidationModel
from engram.neuromodulation import NORADRENALINE, table
from engram.recall import OrderedConfidence

from .networks import upper_triangle

_GRID = 65  # gains at which strengths are computed; between them they are interpolated
_WIDEST = 5.0  # standard deviations of ln γ on either side of the grid


_SMALL, _LARGE = 1e-6, 1e6
# name, bounds, whether of whole numbers. Fisher's z has a variance with four volumes and more.
_BOUNDS: tuple[tuple[str, float, float, bool], ...] = (
    ("regions", 2, _LARGE, True), ("network_regions", 2, _LARGE, True), ("items", 1, _LARGE, True),
    ("volumes", 4, _LARGE, True), ("network_share", 0, 1, False), ("region_share", 0, 1, False),
    ("gain", _SMALL, _LARGE, False), ("gain_spread", _SMALL, 10, False), ("strength", _SMALL, _LARGE, False),
    ("delay", 0, 1e10, False), ("common", 0, 0.999, False), ("network", 0, 1, False), ("reliability", 0, 1, False),
    ("offset", -100, 100, False), ("loading", -100, 100, False),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Account:
    """How brains, gains and memories of people are made.

    Parameters
    ----------
    regions, network_regions : int
        Of the parcellation and of each network; networks share no region.
    signs : tuple of int
        1 or −1 for every network.
    network_share, region_share : float
        Shares of the variance of ln γ between people, a and b.
    gain, gain_spread : float
        Median of γ, and standard deviation of ln γ.
    items : int
        Arousing ones, and as many calm ones.
    strength, delay : float
        Of encoding; to the test (s).
    model : ConsolidationModel
    response : OrderedConfidence
    volumes : int
        Independent ones in a person's time series.
    common, network, offset, loading : float
        Share of the common signal; q, c and l of the module docstring.
    reliability : float
        Of a region's measured response.
    """

    regions: int = 268
    network_regions: int = 10
    signs: tuple[int, ...] = (1, 1, 1, 1, -1, -1)
    network_share: float = 0.5
    region_share: float = 0.0
    gain: float = 1.0
    gain_spread: float = 0.6
    items: int = 36
    strength: float = 0.4
    delay: float = 20 * minute
    model: ConsolidationModel = field(default_factory=lambda: EncodingOnly(strength_spread=0.0))
    response: OrderedConfidence = field(default_factory=lambda: OrderedConfidence(sensitivity=3.0, sd_old=1.25))
    volumes: int = 200
    common: float = 0.1
    network: float = 0.6
    offset: float = -0.7
    loading: float = 0.6
    reliability: float = 0.7

    def __post_init__(self) -> None:
        for name, low, high, whole in _BOUNDS:
            value = getattr(self, name)
            kind = Integral if whole else Real
            if isinstance(value, bool) or not isinstance(value, kind) or not low <= float(value) <= high:
                what = "a whole number" if whole else "a number"
                raise ValueError(f"{name} is {value!r}; give {what} from {low:g} to {high:g}")
        if not len(self.signs) or any(sign not in (-1, 1) for sign in self.signs):
            raise ValueError(f"signs are {self.signs!r}; give 1 or −1 for every network, and at least one")
        if len(self.signs) * self.network_regions > self.regions:
            raise ValueError(f"{len(self.signs)} networks of {self.network_regions} regions need more than the "
                             f"{self.regions} that there are; take fewer or smaller ones")  # fmt: skip
        if self.network_share + self.region_share > 1:
            raise ValueError(f"network_share {self.network_share:g} and region_share {self.region_share:g} are shares "
                             "of one variance; give two that sum to at most 1")  # fmt: skip
        if self.common + self.network > 1:
            raise ValueError(f"common {self.common:g} and network {self.network:g} are shares of one variance; give "
                             "two that sum to at most 1")  # fmt: skip

    def strengths(self, gains: np.ndarray) -> tuple[float, np.ndarray]:
        """Of calm items, and of arousing ones at these gains, at the test."""
        grid, calm, arousing = _tabulated(self)
        ends = np.log(grid[[0, -1]])
        found: np.ndarray = PchipInterpolator(np.log(grid), arousing)(np.clip(np.log(gains), *ends))
        return calm, found

    def members(self, network: int) -> np.ndarray:
        """Regions of a network."""
        return np.arange(network * self.network_regions, (network + 1) * self.network_regions)

    def network_edges(self) -> np.ndarray:
        """Of every edge the sign of the network that it belongs to, 0 of none."""
        among = np.zeros((self.regions, self.regions))
        for k, sign in enumerate(self.signs):
            among[np.ix_(self.members(k), self.members(k))] = sign
        return upper_triangle(among).astype(int)


@dataclass(frozen=True, eq=False)
class Cohort:
    """Simulated people.

    Attributes
    ----------
    edges : (people, edges) array of float32
        Fisher's z.
    network_strengths : (people, networks) array
    responses : DataFrame
        (people, regions) measured; those of region 0, the amygdala's, are of ``region``.
    region : (people,) array
        r_i without error of measurement.
    gain : (people,) array
    behaviour : Series
        Enhancement, the difference of two shares.
    """

    account: Account
    edges: np.ndarray = field(repr=False)
    network_strengths: np.ndarray = field(repr=False)
    responses: pandas.DataFrame = field(repr=False)
    region: np.ndarray = field(repr=False)
    gain: np.ndarray = field(repr=False)
    behaviour: pandas.Series = field(repr=False)

    def answered(self, account: Account, chosen: np.ndarray, rng: np.random.Generator) -> Cohort:
        """Some of these people, whose gains and answers are drawn anew, by an account that may have other shares."""
        gain = _gains(account, self.network_strengths[chosen], self.region[chosen], rng)
        names = self.responses.index[chosen]
        behaviour = pandas.Series(_enhancement(account, gain, rng), index=names)
        return Cohort(account, self.edges[chosen], self.network_strengths[chosen], self.responses.iloc[chosen],
                      self.region[chosen], gain, behaviour)  # fmt: skip


def simulate_people(account: Account, people: int, *, seed: int = 1) -> Cohort:
    """Simulated people with simulated connectomes; the first of them are the same however many follow.

    Examples
    --------
    >>> from fits.individual import Account, simulate_people
    >>> cohort = simulate_people(Account(regions=70), 20, seed=1)
    >>> cohort.edges.shape, cohort.responses.shape, len(cohort.behaviour)
    ((20, 2415), (20, 70), 20)
    """
    if people < 1:
        raise ValueError(f"people is {people}; give at least 1")
    size = account.regions * (account.regions - 1) // 2
    edges = np.empty((people, size), dtype=np.float32)
    strengths = np.empty((people, len(account.signs)))
    responses = np.empty((people, account.regions))
    region, gain, behaviour = np.empty(people), np.empty(people), np.empty(people)
    for i in range(people):
        rng = np.random.default_rng([seed, i])
        strengths[i] = rng.normal(size=len(account.signs))
        true = rng.normal(size=account.regions)
        error = rng.normal(size=account.regions)
        responses[i] = np.sqrt(account.reliability) * true + np.sqrt(1 - account.reliability) * error
        region[i] = true[0]
        gain[i : i + 1] = _gains(account, strengths[i : i + 1], region[i : i + 1], rng)
        behaviour[i : i + 1] = _enhancement(account, gain[i : i + 1], rng)
        edges[i] = np.arctanh(upper_triangle(_connectivity(account, strengths[i], rng)))
    names = pandas.Index([f"s{i + 1}" for i in range(people)], name="participant")
    table = pandas.DataFrame(responses, index=names, columns=[f"region {k}" for k in range(account.regions)])
    return Cohort(account, edges, strengths, table, region, gain, pandas.Series(behaviour, index=names))


def _gains(account: Account, strengths: np.ndarray, region: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    a, b = account.network_share, account.region_share
    total = strengths @ np.array(account.signs) / np.sqrt(len(account.signs))
    off = np.sqrt(a) * total + np.sqrt(b) * region + np.sqrt(1 - a - b) * rng.normal(size=len(region))
    found: np.ndarray = account.gain * np.exp(account.gain_spread * off)
    return found


def _enhancement(account: Account, gains: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Share of arousing items called "definitely old" less that of calm ones."""
    calm, arousing = account.strengths(gains)
    surely = account.response.probabilities(np.append(arousing, calm))[:, 0]
    found: np.ndarray = rng.binomial(account.items, surely[:-1]) / account.items
    return found - rng.binomial(account.items, surely[-1], size=len(gains)) / account.items


def _connectivity(account: Account, strengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Correlations between the time series of all regions of one person."""
    series = rng.standard_normal((account.regions, account.volumes), dtype=np.float32)
    shares = account.network * expit(account.offset + account.loading * strengths)
    own = np.full(account.regions, 1.0 - account.common)
    networks = rng.standard_normal((len(shares), account.volumes), dtype=np.float32)
    for k, share in enumerate(shares):
        own[account.members(k)] -= share
    series *= np.sqrt(own, dtype=np.float32)[:, None]
    series += np.sqrt(account.common, dtype=np.float32) * rng.standard_normal(account.volumes, dtype=np.float32)
    for k, share in enumerate(shares):
        series[account.members(k)] += np.float32(np.sqrt(share)) * networks[k]
    return np.asarray(np.corrcoef(series))


def _tabulated(account: Account) -> tuple[np.ndarray, float, np.ndarray]:
    return _table_of(account.model, account.gain, account.gain_spread, account.strength, account.delay)


@lru_cache(maxsize=8)
def _table_of(
    model: ConsolidationModel, gain: float, spread: float, strength: float, delay: float
) -> tuple[np.ndarray, float, np.ndarray]:
    """Gains, the strength of a calm item at the test, and those of arousing ones."""
    grid = gain * np.exp(spread * np.linspace(-_WIDEST, _WIDEST, _GRID))
    calm = Protocol(Encode("item", at=0.0, strength=strength))
    arousing = Protocol(Release("noradrenaline", at=0.0), Encode("item", at=0.0, strength=strength))
    found = []
    for own in grid:
        person = dataclasses.replace(
            model, neuromodulators=table(dataclasses.replace(NORADRENALINE, encoding_gain=own))
        )
        found.append(person.run(arousing).strength("item", at=delay))
    return grid, model.run(calm).strength("item", at=delay), np.array(found)
