"""Neuromodulator concentration n(t) as the plastic network sees it: steps, and releases that clear exponentially."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol as _Structural

import numpy as np

from .synapse_parameters import CalciumSynapse, Drives

EPSILON = 0.001  # θ_pro = h_0/(n + 0.001), doi:10.1038/s41598-022-22430-7


class _Modulator(_Structural):
    @property
    def drive_weight(self) -> float: ...
    @property
    def drive_clearance(self) -> float: ...
    def response(self, dose: float) -> float: ...


class _Release(_Structural):
    @property
    def modulator(self) -> str: ...
    @property
    def at(self) -> float: ...
    @property
    def dose(self) -> float: ...


@dataclass(frozen=True)
class Concentration:
    """n(t) of a neuromodulator that lowers the threshold of protein synthesis, θ_pro = h_0/(n + 0.001).

    Parameters
    ----------
    steps : tuple of (time, level)
        From ``time`` (s) on the constant part of n is ``level``; zero before the first.
    releases : tuple of (time, amount, clearance)
        n rises by ``amount`` at ``time`` (s) and what it rose by decays with ``clearance`` (s).

    Raises
    ------
    ValueError
        A time, level, amount or clearance that is negative or not finite; steps out of order.

    Examples
    --------
    >>> step = Concentration.step(0.06, start=11.0, duration=1800.0)
    >>> step.at(100.0), step.at(1900.0)
    (0.06, 0.0)
    """

    steps: tuple[tuple[float, float], ...] = ()
    releases: tuple[tuple[float, float, float], ...] = field(default=())

    def __post_init__(self) -> None:
        for name, entries in (("step", self.steps), ("release", self.releases)):
            for entry in entries:
                if not all(math.isfinite(value) and value >= 0.0 for value in entry):
                    raise ValueError(f"neuromodulator {name} {entry}: every number must be finite and not negative")
        for _, _, clearance in self.releases:
            if clearance <= 0.0:
                raise ValueError(f"neuromodulator release: the clearance {clearance:g} s must be positive")
        times = [time for time, _ in self.steps]
        if times != sorted(times):
            raise ValueError(f"neuromodulator steps at {times} s: give them in order of time")
        for name in ("steps", "releases"):  # plain floats, so that a checkpoint holds the same bits
            plain = tuple(tuple(float(value) for value in entry) for entry in getattr(self, name))
            object.__setattr__(self, name, plain)

    @classmethod
    def step(cls, level: float, *, start: float = 0.0, duration: float = math.inf) -> Concentration:
        """n = ``level`` from ``start`` (s) on, for ``duration`` (s)."""
        if not duration > 0.0:
            raise ValueError(f"neuromodulator step: the duration {duration!r} s must be positive")
        end = start + duration
        return cls(((start, level), (end, 0.0)) if math.isfinite(end) else ((start, level),))

    @classmethod
    def of_releases(cls, releases: Iterable[_Release], modulators: Iterable[_Modulator]) -> Concentration:
        """n from the `Release` events of a protocol, with weight, dose-response and clearance of each modulator.

        ``modulators`` is a table of `engram.neuromodulation`, such as ``NEUROMODULATORS``.
        """
        known = {getattr(modulator, "name", ""): modulator for modulator in modulators}
        found = []
        for release in releases:
            if release.modulator not in known:
                raise ValueError(f"release of {release.modulator!r}: no such neuromodulator in {sorted(known)}")
            modulator = known[release.modulator]
            amount = modulator.drive_weight * modulator.response(release.dose)
            found.append((release.at, amount, modulator.drive_clearance))
        return cls(releases=tuple(sorted(found)))

    def at(self, time: float) -> float:
        """n at a time (s); at a step or release, what it is from then on."""
        if math.isnan(time):
            raise ValueError("the time at which the concentration is asked for is NaN; give seconds")
        level = next((n for start, n in reversed(self.steps) if start <= time), 0.0)
        return level + sum(
            amount * math.exp(-(time - start) / clearance)
            for start, amount, clearance in self.releases
            if start <= time
        )

    def drives(self) -> Drives:
        """The drive of synthesis, one entry for each stretch on which it does not rise; the first starts at −∞."""
        clearances = sorted({clearance for _, _, clearance in self.releases})
        starts = sorted({entry[0] for entry in (*self.steps, *self.releases)})
        levels = [next((n for begin, n in reversed(self.steps) if begin <= start), 0.0) for start in starts]
        amplitudes = np.zeros((1 + len(starts), len(clearances)))
        for row, start in enumerate(starts, start=1):
            for begin, amount, clearance in self.releases:
                if begin <= start:
                    amplitudes[row, clearances.index(clearance)] += amount * math.exp(-(start - begin) / clearance)
        return Drives(
            np.array([-math.inf, *starts]),
            EPSILON + np.array([0.0, *levels]),
            amplitudes,
            np.array([1.0 / clearance for clearance in clearances]),
        )


def drives_of(concentration: Concentration | None, synapse: CalciumSynapse) -> Drives:
    """The drive of synthesis; without a concentration (None) the threshold is the fixed one of 2021."""
    if concentration is None:
        return Drives(np.array([-math.inf]), np.array([1.0 / synapse.protein_fraction]), np.zeros((1, 0)), np.empty(0))
    return concentration.drives()
