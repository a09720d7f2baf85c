"""The experiment that is measured: one trace, one release, one reactivation, read at 24 h."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engram import Encode, Protocol, Reactivate, Release, Test, hour, minute


class Experiment(NamedTuple):
    """Encoded at time 0, released, reactivated, tested at 24 h. Times in seconds."""

    strength: float
    released_at: float
    dose: float
    reactivated_at: float
    cue: float
    prediction_error: float
    duration: float = 60.0
    tested_at: float = 24 * hour

    def protocol(self) -> Protocol:
        """The experiment as a protocol."""
        return Protocol(
            Encode("scene", at=0, strength=self.strength),
            Release("dopamine", at=self.released_at, dose=self.dose),
            Reactivate(
                "scene",
                at=self.reactivated_at,
                cue=self.cue,
                prediction_error=self.prediction_error,
                duration=self.duration,
            ),
            Test("scene", at=self.tested_at),
        )


def experiments(number: int, seed: int = 1) -> list[Experiment]:
    """Experiments with drawn strengths and times; the first ones are the same for every number."""
    drawn = np.random.default_rng(seed).random((number, 6))
    low = np.array([0.3, 1 * minute, 0.5, 3 * hour, 0.5, 0.1])
    high = np.array([0.7, 60 * minute, 1.5, 12 * hour, 1.0, 1.0])
    return [Experiment(*(float(x) for x in row)) for row in low + drawn * (high - low)]
