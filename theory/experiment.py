"""One weak trace and one release: the smallest experiment in which a memory can be rescued.

A trace is encoded at strength s. A release of the given dose comes later (retroactive) or came before
(proactive), alone or together with the encoding of related traces, which add `related_activity` to S at
that moment. No other drive, no sleep, no blocking. The defaults are those of the models, with dopamine as
modulator but, unless asked for, without its conversion of eligible traces.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OneRelease:
    """A weak trace and a release, with the parameters of both capture rules.

    Parameters
    ----------
    encoding_strength : float
        s, 0 < s < 1.
    dose : float
        Dose of the release; 1 is full drive.
    drive_weight : float
        Drive per unit of dose.
    drive_clearance : float
        tau_drive (s); inf for a drive that stays.
    related_activity : float
        Sum of K |e| over traces encoded together with the release.
    conversion : float
        eta: a release of this dose takes f = 1 - exp(-conversion * dose * c) of what an eligible trace lacks.
    ambient_activity, epsilon, tag_threshold, capture_gain : float
        s_0, epsilon, theta_tag and kappa of the models.
    tau_early, tau_eligibility, tau_protein, tau_late, tau_tag : float
        Time constants (s).

    Raises
    ------
    ValueError
        If a value lies outside its range.
    """

    encoding_strength: float = 0.4
    dose: float = 1.0
    drive_weight: float = 2.0
    drive_clearance: float = 10800.0
    related_activity: float = 0.0
    conversion: float = 0.0
    ambient_activity: float = 0.3
    epsilon: float = 0.001
    tag_threshold: float = 0.2
    capture_gain: float = 0.5
    tau_early: float = 6884.0
    tau_eligibility: float = 300.0
    tau_protein: float = 3600.0
    tau_late: float = 3600.0
    tau_tag: float = 5400.0

    def __post_init__(self) -> None:
        if not 0.0 < self.encoding_strength < 1.0:
            raise ValueError(f"encoding_strength is {self.encoding_strength}; give a value between 0 and 1")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not value >= 0.0 or (field.name.startswith("tau_") and value == 0.0):
                raise ValueError(f"{field.name} is {value}; give a positive number")

    @property
    def amplitude(self) -> float:
        """The drive the release adds."""
        return self.drive_weight * self.dose

    @property
    def tag_lifetime(self) -> float:
        """How long the trace stays tagged if nothing converts it (s); 0 if it never is."""
        return max(0.0, self.tau_early * math.log(self.encoding_strength / self.tag_threshold))

    def early_at(self, moment: float) -> float:
        """Early phase this long after encoding, before any release."""
        return self.encoding_strength * math.exp(-moment / self.tau_early)

    def early_after_release(self, delay: float) -> float:
        """Early phase just after a release that comes this long after encoding."""
        eligible = self.encoding_strength * math.exp(-delay / self.tau_eligibility)
        converted = -math.expm1(-self.conversion * self.dose * eligible)
        before = self.early_at(delay)
        return before + converted * (1.0 - before)

    def with_dose(self, dose: float) -> OneRelease:
        """The same experiment at another dose."""
        return dataclasses.replace(self, dose=dose)

    def symbols(self) -> dict[str, float]:
        """The experiment under the names of `theory.notation`."""
        values = dataclasses.asdict(self)
        values["strength"] = values.pop("encoding_strength")
        values["tau_drive"] = values.pop("drive_clearance")
        values["conversion"] *= self.dose
        values["amplitude"] = self.amplitude
        return values
