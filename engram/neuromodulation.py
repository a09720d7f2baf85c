"""Six neuromodulators: kinetics, receptors, dose-response and what each does to a memory trace.

A release of dose ``d`` acts in two ways with clearances of their own. The ligand, ``conc += d``, clears fast and sets
the gain of what happens while it is present:

    gain at encoding        G = Σ encoding_gain · (1 − blocked) · response(conc)
    lability at recall      L = Σ lability_gain · (1 − blocked) · response(conc)
    factor at read-out      R = 1 + Σ retrieval_gain · (1 − blocked) · response(conc)
    gate on the drive       Γ = 1 + Σ synthesis_gate · (1 − blocked) · response(conc)

and the drive downstream of its receptors, ``m += drive_weight · u · Γ`` with ``u = (1 − blocked) · response(d)``,
clears over hours. At the instant of the release what is still eligible is converted: the early phase moves to
``direction`` by ``1 − exp(−conversion · u · c)``. Saturation and inverted U act at the instant of an event, so that
the drive between events stays a sum of decaying exponentials.

An effect without a quantitative source is zero by default. Override any of it::

    import dataclasses, engram
    from engram import neuromodulation
    noradrenaline = dataclasses.replace(neuromodulation.NORADRENALINE, encoding_gain=0.5)
    model = engram.ThresholdCapture(neuromodulators=neuromodulation.table(noradrenaline))
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from .parameter import check_parameters, parameter
from .units import day, hour

if TYPE_CHECKING:
    import pandas

DOSE_RESPONSES = ("linear", "saturating", "inverted-u")
_ZERO = "no quantitative source: zero"


@dataclass(frozen=True, kw_only=True)
class Neuromodulator:
    """One neuromodulator; times in seconds, everything else dimensionless.

    ``dose_response`` turns a dose or concentration x into its effect, with scale h = ``dose_scale``:
    ``"linear"`` x; ``"saturating"`` x(1 + h)/(x + h), receptor occupancy scaled to 1 at dose 1;
    ``"inverted-u"`` (x/h)·exp(1 − x/h), largest, 1, at x = h.
    """

    name: str
    receptor: str
    role: str
    source: str
    dose_response: Literal["linear", "saturating", "inverted-u"] = "linear"
    clearance: float = parameter(
        60.0, unit="s", bounds=(1e-3, 30 * day), symbol="τ_conc", source="assumed", verified=False,
        description="clearance of the ligand",
    )  # fmt: skip
    drive_weight: float = parameter(
        0.0, unit="1", bounds=(0, 1e3), symbol="w", source=_ZERO, verified=False,
        description="protein-inducing drive of a dose of 1",
    )  # fmt: skip
    drive_clearance: float = parameter(
        3 * hour, unit="s", bounds=(1, 30 * day), symbol="τ_m", source="assumed", verified=False,
        description="clearance of the drive downstream of the receptor",
    )  # fmt: skip
    encoding_gain: float = parameter(
        0.0, unit="1", bounds=(-10, 100), symbol="γ", source=_ZERO, verified=False,
        description="gain at encoding while present",
    )  # fmt: skip
    conversion: float = parameter(
        0.0, unit="1", bounds=(0, 1e3), symbol="η", source=_ZERO, verified=False,
        description="rate at which a release converts what is eligible",
    )  # fmt: skip
    direction: float = parameter(
        1.0, unit="1", bounds=(-1, 1), symbol="d", source="sign of the published effect", verified=False,
        description="where converted synapses move: 1 potentiation, −1 depression",
    )  # fmt: skip
    lability_gain: float = parameter(
        0.0, unit="1", bounds=(-1, 100), symbol="Λ", source=_ZERO, verified=False,
        description="gain of destabilisation at recall while present",
    )  # fmt: skip
    synthesis_gate: float = parameter(
        0.0, unit="1", bounds=(-1, 100), symbol="Γ", source=_ZERO, verified=False,
        description="change of the drive of a release while present",
    )  # fmt: skip
    retrieval_gain: float = parameter(
        0.0, unit="1", bounds=(-1, 100), symbol="ρ", source=_ZERO, verified=False,
        description="change of the read-out while present",
    )  # fmt: skip
    dose_scale: float = parameter(
        1.0, unit="1", bounds=(1e-6, 1e6), symbol="h", source="assumed", verified=False,
        description="scale of a saturating or inverted-U dose-response",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.dose_response not in DOSE_RESPONSES:
            raise ValueError(
                f"Neuromodulator {self.name!r}: unknown dose_response {self.dose_response!r}; "
                f"use one of {', '.join(DOSE_RESPONSES)}"
            )

    def response(self, dose: float) -> float:
        """The effect of a dose or concentration (dimensionless; the same rule as in the kernels)."""
        if self.dose_response == "linear":
            return dose
        if self.dose_response == "saturating":
            return dose * (1 + self.dose_scale) / (dose + self.dose_scale)
        return dose / self.dose_scale * math.exp(1 - dose / self.dose_scale)


DOPAMINE = Neuromodulator(
    name="dopamine",
    receptor="D1/D5",
    role="protein synthesis; rescues eligible traces",
    clearance=60.0,
    drive_weight=2.0,
    conversion=5.0,
    source=(
        "Drive: dose 1 is full drive m = 2 by definition; D1/D5 carry protein synthesis (Wang, Redondo & Morris 2010;"
        " Takeuchi 2016). Conversion 5 is inferred from CA1 EPSPs of 169, 94 and 59 % after dopamine at <1, 10 and"
        " 30 min (Brzosko 2015, doi:10.7554/eLife.09685), taking 74 % without dopamine and an eligibility of 0.3."
        " Clearances are assumed."
    ),
)
NORADRENALINE = Neuromodulator(
    name="noradrenaline",
    receptor="beta",
    role="encoding gain, protein synthesis, lability at recall; inverted U",
    clearance=120.0,
    dose_response="inverted-u",
    source="He 2015 (β2 turns an LTP trace into change), Seidenbecher 1997 (propranolol blocks): directions only.",
)
ACETYLCHOLINE = Neuromodulator(
    name="acetylcholine",
    receptor="muscarinic",
    role="sign and gain at encoding",
    clearance=30.0,
    source="Brzosko 2017, doi:10.7554/eLife.27756: +10 ms pairing 135 %, with acetylcholine 63 %: no trace-level gain.",
)
SEROTONIN = Neuromodulator(
    name="serotonin",
    receptor="5-HT2C",
    role="turns a depression trace into change",
    clearance=60.0,
    direction=-1.0,
    source="He 2015: direction only.",
)
ENDOCANNABINOID = Neuromodulator(
    name="endocannabinoid",
    receptor="CB1",
    role="gate on synthesis under stress",
    clearance=600.0,
    source="no quantitative source.",
)
CORTISOL = Neuromodulator(
    name="cortisol",
    receptor="glucocorticoid",
    role="slow; helps encoding together with noradrenaline, hinders retrieval",
    clearance=4000.0,
    drive_clearance=6 * hour,
    source="no quantitative source; a plasma half-life near 70 min is assumed.",
)

NEUROMODULATORS: tuple[Neuromodulator, ...] = (
    DOPAMINE,
    NORADRENALINE,
    ACETYLCHOLINE,
    SEROTONIN,
    ENDOCANNABINOID,
    CORTISOL,
)


def table(*changed: Neuromodulator) -> tuple[Neuromodulator, ...]:
    """The six neuromodulators, with those of the same name replaced and new ones added.

    >>> import dataclasses
    >>> weak = dataclasses.replace(DOPAMINE, drive_weight=1.0)
    >>> [modulator.drive_weight for modulator in table(weak)][0]
    1.0
    """
    merged = {modulator.name: modulator for modulator in (*NEUROMODULATORS, *changed)}
    return tuple(merged.values())


def describe(modulators: tuple[Neuromodulator, ...] = NEUROMODULATORS) -> pandas.DataFrame:
    """The table of neuromodulators, one a row: kinetics (s), receptor, effects, role and source."""
    import pandas

    columns = [field.name for field in fields(Neuromodulator)]
    return pandas.DataFrame([{c: getattr(m, c) for c in columns} for m in modulators]).set_index("name")
