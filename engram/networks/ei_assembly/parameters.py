"""Parameters of the E/I-assembly network: neurons, synapses, strengths and connection probabilities of its families."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ...parameter import check_parameters, parameter

SOURCE = "Meissner-Bernard et al. 2025, doi:10.7554/eLife.96303"


def _given(default: float, unit: str, low: float, high: float, symbol: str, description: str) -> Any:
    return parameter(
        default, unit=unit, bounds=(low, high), symbol=symbol, source=SOURCE, verified=True, description=description
    )


@dataclass(frozen=True, kw_only=True)
class EIAssemblyModel:
    """Every number of the network; the defaults are those of family A.

    The table with units, bounds and sources is ``engram.parameters(EIAssemblyModel)``; other families are
    ``EIAssemblyModel.family("B")`` and so on.

    Raises
    ------
    ValueError, TypeError
        If a value lies outside its bounds, is no number, or a number of neurons is no whole number.

    Examples
    --------
    >>> from engram.networks import EIAssemblyModel
    >>> EIAssemblyModel.family("D").strength_i_e
    0.59
    """

    n_excitatory: int = _given(4000, "1", 1, 1e6, "N_E", "excitatory neurons")
    n_inhibitory: int = _given(1000, "1", 1, 1e6, "N_I", "inhibitory neurons")
    n_mitral: int = _given(1500, "1", 1, 1e6, "N_O", "mitral cells")
    time_step: float = _given(0.1, "ms", 1e-4, 1.0, "dt", "time step")
    tau_excitatory: float = _given(85.0, "ms", 1.0, 1e4, "τ_E", "membrane time constant of E neurons")
    leak_excitatory: float = _given(1.35, "nS", 1e-3, 1e3, "g_L,E", "leak conductance of E neurons")
    rest_excitatory: float = _given(-60.0, "mV", -150.0, 0.0, "E_L,E", "resting and reset potential of E neurons")
    threshold_excitatory: float = _given(-38.0, "mV", -150.0, 50.0, "θ_E", "threshold of E neurons")
    adaptation_coupling: float = _given(1.0, "nS", 0.0, 1e3, "a", "subthreshold adaptation of E neurons")
    adaptation_jump: float = _given(10.0, "pA", 0.0, 1e4, "b", "spike-triggered adaptation of E neurons")
    tau_adaptation: float = _given(40.0, "ms", 1.0, 1e5, "τ_w", "time constant of adaptation")
    tau_inhibitory: float = _given(50.0, "ms", 1.0, 1e4, "τ_I", "membrane time constant of I neurons")
    leak_inhibitory: float = _given(0.9, "nS", 1e-3, 1e3, "g_L,I", "leak conductance of I neurons")
    rest_inhibitory: float = _given(-65.0, "mV", -150.0, 0.0, "E_L,I", "resting and reset potential of I neurons")
    threshold_inhibitory: float = _given(-45.0, "mV", -150.0, 50.0, "θ_I", "threshold of I neurons")
    refractory_time: float = _given(8.0, "ms", 0.0, 1e3, "t_ref", "refractory time of all neurons")
    reversal_excitatory: float = _given(0.0, "mV", -50.0, 50.0, "E_exc", "reversal potential of excitatory synapses")
    reversal_inhibitory: float = _given(-70.0, "mV", -150.0, 0.0, "E_inh", "reversal potential of inhibitory synapses")
    tau_synapse_excitatory: float = _given(30.0, "ms", 0.1, 1e4, "τ_exc", "decay of excitatory conductances")
    tau_synapse_inhibitory: float = _given(10.0, "ms", 0.1, 1e4, "τ_inh", "decay of inhibitory conductances")
    strength_e_e: float = _given(0.128, "nS", 0.0, 1e3, "J_EE", "E→E strength")
    strength_i_e: float = _given(0.48, "nS", 0.0, 1e3, "J_IE", "I→E strength")
    strength_o_e: float = _given(0.128, "nS", 0.0, 1e3, "J_OE", "mitral→E strength")
    strength_e_i: float = _given(0.068, "nS", 0.0, 1e3, "J_EI", "E→I strength")
    strength_o_i: float = _given(0.068, "nS", 0.0, 1e3, "J_OI", "mitral→I strength")
    strength_i_i: float = _given(0.25, "nS", 0.0, 1e3, "J_II", "I→I strength")
    probability_o_e: float = _given(0.02, "1", 0.0, 1.0, "p_OE", "mitral→E connection probability")
    probability_o_i: float = _given(0.01, "1", 0.0, 1.0, "p_OI", "mitral→I connection probability")
    probability_e_e: float = _given(0.05, "1", 0.0, 1.0, "p_EE", "E→E connection probability")
    probability_e_i: float = _given(0.04, "1", 0.0, 1.0, "p_EI", "E→I connection probability")
    probability_i_e: float = _given(0.05, "1", 0.0, 1.0, "p_IE", "I→E connection probability")
    probability_i_i: float = _given(0.04, "1", 0.0, 1.0, "p_II", "I→I connection probability")

    def __post_init__(self) -> None:
        check_parameters(self)
        for name in ("n_excitatory", "n_inhibitory", "n_mitral"):
            if int(getattr(self, name)) != getattr(self, name):
                raise ValueError(f"EIAssemblyModel({name}={getattr(self, name)!r}): {name} must be a whole number")
        shortest = min(
            self.tau_excitatory, self.tau_inhibitory, self.tau_adaptation, self.tau_synapse_excitatory,
            self.tau_synapse_inhibitory,
        )  # fmt: skip
        if self.time_step > shortest:
            raise ValueError(
                f"EIAssemblyModel(time_step={self.time_step:g}): the step is longer than the shortest time constant "
                f"({shortest:g} ms); choose a shorter one"
            )

    @classmethod
    def family(cls, name: str, **changes: float) -> EIAssemblyModel:
        """The published strengths and connection probabilities of family A, B, C or D; ``changes`` override them."""
        if name not in FAMILIES:
            raise ValueError(f"family {name!r} is not one of {', '.join(FAMILIES)}")
        return cls(**{**FAMILIES[name], **changes})  # type: ignore[arg-type]

    def with_(self, **changes: float) -> EIAssemblyModel:
        """A copy with other values."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @property
    def n_neurons(self) -> int:
        """E and I neurons together; E come first wherever neurons are numbered."""
        return int(self.n_excitatory) + int(self.n_inhibitory)

    def steps(self, seconds: float) -> int:
        """Number of time steps in a duration (s)."""
        return round(seconds * 1000.0 / self.time_step)


def _strengths(e_e: float, i_e: float, o_e: float, e_i: float, o_i: float, i_i: float) -> dict[str, float]:
    names = ("e_e", "i_e", "o_e", "e_i", "o_i", "i_i")
    return {f"strength_{name}": value for name, value in zip(names, (e_e, i_e, o_e, e_i, o_i, i_i), strict=True)}


FAMILIES: dict[str, dict[str, float]] = {
    "A": _strengths(0.128, 0.48, 0.128, 0.068, 0.068, 0.25),
    "B": _strengths(0.128, 0.45, 0.128, 0.066, 0.066, 0.21),
    "C": {**_strengths(0.108, 0.52, 0.128, 0.08, 0.068, 0.31), "probability_e_i": 0.02, "probability_i_i": 0.02},
    "D": {**_strengths(0.128, 0.59, 0.095, 0.058, 0.042, 0.27), "probability_o_e": 0.03, "probability_o_i": 0.02},
}
