"""What an experiment on visual learning measures: thresholds, gains, and how well two areas tell directions apart.

A study names it as its response, and with it the family of models that predict it (:mod:`engram.perception`)::

    [response]
    type = "threshold"
    period = 180                  # degrees after which the stimulus repeats: 360 for motion, 180 for orientation
    runs = 2                      # staircases behind a threshold; 0 for other procedures
    gain_spread = "gain_spread"   # SD between people of the logarithmic gain

Each observation names the stimulus it was measured with, ``offset = "70 deg"`` from the trained direction and, if
elsewhere, ``distance = "8 deg"`` of visual angle. With δ the threshold, δ_0 that of the untrained observer and I the
linear Fisher information of an area, the scores are

    threshold            δ e^bias, as the staircase shows it (degrees)
    log_gain             ln(δ_0/δ)
    percent_gain         100 (1 − δ/δ_0)
    scaled_gain          scale (1 − δ/δ_0), in the unit of the study's own measure
    standardised_gain    ln(δ_0/δ)/s, s² = gain_spread² + 2 spread²/runs
    generalisation       (1 − δ/δ_0) over the same at the trained stimulus; 0 where that has gained nothing
    evc_discriminability, ips_discriminability    ½ ln(I/I_0) of one area

Bias and spread are those of the simulated staircase (:class:`engram.perception.Staircase`): they are the same before
and after, so that the bias leaves a gain alone while the spread of both tests adds to that between people.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from engram.parameter import check_parameters, parameter
from engram.perception import Staircase

_LEARNED = 1e-9  # a relative gain below which there is nothing to generalise


class Seen(NamedTuple):
    """What an observer has at each observed time and stimulus, (rows,) each; of the untrained observer, one number."""

    threshold: np.ndarray  # degrees
    trained: np.ndarray  # degrees, of the trained stimulus at the same time
    untrained: float  # degrees
    evc: np.ndarray  # ln of discriminability relative to the untrained observer
    ips: np.ndarray


@dataclass(frozen=True, kw_only=True)
class DiscriminationThreshold:
    """A discrimination task (module docstring for the scores).

    Raises
    ------
    ValueError
        A period other than 180 or 360, a staircase that does not work, or no spread to standardise by.
    """

    period: float = parameter(
        360.0, unit="deg", bounds=(180, 360), symbol="period", source="the task", verified=True,
        description="period of the stimulus: 360 for directions, 180 for orientations",
    )  # fmt: skip
    scale: float = parameter(
        1.0, unit="1", bounds=(1e-6, 1e6), symbol="δ_0", source="the task; fitted", verified=False,
        description="threshold before training, in the study's own unit",
    )  # fmt: skip
    gain_spread: float = parameter(
        0.2, unit="1", bounds=(0, 10), symbol="σ_g", source="assumed; fitted", verified=False,
        description="standard deviation between people of the logarithmic gain",
    )  # fmt: skip
    runs: float = parameter(
        0.0, unit="1", bounds=(0, 1000), symbol="n_r", source="the task", verified=True,
        description="staircases behind one threshold; 0 where the procedure is another",
    )  # fmt: skip
    staircase_down: float = parameter(
        2.0, unit="1", bounds=(2, 8), symbol="n_d", source="the task", verified=True,
        description="correct answers in a row that lower the difference",
    )  # fmt: skip
    staircase_step: float = parameter(
        0.05, unit="1", bounds=(1e-3, 1), symbol="Δ", source="assumed where not published", verified=False,
        description="log10 units of a step of the staircase",
    )  # fmt: skip
    staircase_reversals: float = parameter(
        10.0, unit="1", bounds=(1, 100), symbol="n_rev", source="the task", verified=True,
        description="reversals that end a staircase",
    )  # fmt: skip
    staircase_used: float = parameter(
        6.0, unit="1", bounds=(1, 100), symbol="n_used", source="the task", verified=True,
        description="reversals, the last ones, that are averaged",
    )  # fmt: skip

    kind: ClassVar[str] = "threshold"
    score_names: ClassVar[tuple[str, ...]] = (
        "threshold", "log_gain", "percent_gain", "scaled_gain", "standardised_gain", "generalisation",
        "evc_discriminability", "ips_discriminability",
    )  # fmt: skip
    outcomes: ClassVar[tuple[str, ...]] = ()  # no raw trials

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.period not in (180, 360):
            raise ValueError(f"period is {self.period:g}; give 360 for directions or 180 for orientations")
        for name in ("runs", "staircase_down", "staircase_reversals", "staircase_used"):
            value = getattr(self, name)
            if value != int(value):
                raise ValueError(f"{name} is {value:g}; give a whole number")
        _ = self.staircase  # which checks itself
        if self.runs == 0 and self.gain_spread == 0:
            raise ValueError("gain_spread is 0 and there is no staircase, so that gains have no spread; give one")

    @property
    def staircase(self) -> Staircase:
        return Staircase(down=int(self.staircase_down), step=self.staircase_step,
                         reversals=int(self.staircase_reversals), used=int(self.staircase_used))  # fmt: skip

    @property
    def spread(self) -> float:
        """Standard deviation over people of an observed logarithmic gain."""
        if self.runs == 0:
            return self.gain_spread
        return math.hypot(self.gain_spread, self.staircase.behaviour().spread * math.sqrt(2 / self.runs))

    def score(self, seen: Seen, name: str) -> np.ndarray:
        """Predicted scores, (rows,).

        Raises
        ------
        ValueError
            An unknown score.
        """
        gain = 1 - seen.threshold / seen.untrained
        if name == "threshold":
            return seen.threshold * (math.exp(self.staircase.behaviour().bias) if self.runs else 1.0)
        if name == "percent_gain":
            return 100 * gain
        if name == "scaled_gain":
            return self.scale * gain
        if name in ("log_gain", "standardised_gain"):
            logarithmic = np.log(seen.untrained / seen.threshold)
            return logarithmic if name == "log_gain" else logarithmic / self.spread
        if name == "generalisation":
            trained = 1 - seen.trained / seen.untrained
            return np.where(np.abs(trained) > _LEARNED, gain / np.where(trained == 0, 1.0, trained), 0.0)
        if name in ("evc_discriminability", "ips_discriminability"):
            return seen.evc if name.startswith("evc") else seen.ips
        raise ValueError(f"unknown score {name!r}; a threshold has {', '.join(self.score_names)}")
