r"""Parameters of the calcium synapse with tag-and-capture, and the constants its kernels read.

    τ_c ċ = −c,   c += c_pre 18.8 ms after a presynaptic spike,   c += c_post at a postsynaptic one
    τ_h ḣ = 0.1(h_0 − h) + γ_p(10 − h)H[c − θ_p] − γ_d h H[c − θ_d] + σ √(τ_h (H[c−θ_p] + H[c−θ_d])) ξ
    τ_p ṗ = −p + H[S − θ_pro],   S = Σ |h − h_0| over the synapses onto the neuron
    τ_z ż = p {(1 − z) H[h − h_0 − θ_tag] − (z + ½) H[h_0 − h − θ_tag]},   w = h + h_0 z

Without a neuromodulator θ_pro = ½ h_0; at concentration n(t), zero included, θ_pro = h_0/(n(t) + 0.001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...parameter import check_parameters, parameter
from ...units import day
from .arguments import make_plain

_2021 = "Luboeinski & Tetzlaff 2021, doi:10.1038/s42003-021-01778-y"
_2022 = "Lehr, Luboeinski & Tetzlaff 2022, doi:10.1038/s41598-022-22430-7"
_SINGLE = f"{_2021}, single synapse (network: {{}})"


class SynapseConstants(NamedTuple):
    """What the kernels read. Regime 0: calcium below both thresholds, 1: above θ_d, 2: above θ_p and θ_d.

    The early phase is carried as its deviation from h_0 (mV): an Ornstein-Uhlenbeck process in every regime.
    """

    calcium_pre: float
    calcium_post: float
    tau_calcium: float
    threshold_low: float
    threshold_high: float
    rates: tuple[float, float, float]
    means: tuple[float, float, float]
    variances: tuple[float, float, float]
    resting_weight: float
    tag_threshold: float
    tau_protein: float
    protein_rate: float
    late_rate: float


@dataclass(frozen=True, kw_only=True)
class CalciumSynapse:
    """Parameters of one excitatory plastic synapse; times in seconds, weights in mV."""

    calcium_pre: float = parameter(
        1.0, unit="1", bounds=(0, 100), symbol="c_pre", source=_SINGLE.format("0.6"), verified=True,
        description="calcium of a presynaptic spike",
    )  # fmt: skip
    calcium_post: float = parameter(
        0.2758, unit="1", bounds=(0, 100), symbol="c_post", source=_SINGLE.format("0.16548"), verified=True,
        description="calcium of a postsynaptic spike",
    )  # fmt: skip
    calcium_delay: float = parameter(
        18.8e-3, unit="s", bounds=(0, 1), symbol="t_c,delay", source=_2021, verified=True,
        description="delay of the calcium of a presynaptic spike",
    )  # fmt: skip
    tau_calcium: float = parameter(
        48.8e-3, unit="s", bounds=(1e-4, 10), symbol="τ_c", source=_2021, verified=True,
        description="decay of calcium",
    )  # fmt: skip
    potentiation_threshold: float = parameter(
        3.0, unit="1", bounds=(1e-3, 1e3), symbol="θ_p", source=_2021, verified=True,
        description="calcium above which the synapse potentiates; not below θ_d",
    )  # fmt: skip
    depression_threshold: float = parameter(
        1.2, unit="1", bounds=(1e-3, 1e3), symbol="θ_d", source=_2021, verified=True,
        description="calcium above which the synapse depresses",
    )  # fmt: skip
    tau_early: float = parameter(
        688.4, unit="s", bounds=(1e-2, 30 * day), symbol="τ_h", source=_2021, verified=True,
        description="time constant of the early phase; it relaxes with τ_h/0.1",
    )  # fmt: skip
    potentiation_rate: float = parameter(
        1645.6, unit="1", bounds=(0, 1e6), symbol="γ_p", source=_2021, verified=True, description="potentiation rate",
    )  # fmt: skip
    depression_rate: float = parameter(
        313.1, unit="1", bounds=(0, 1e6), symbol="γ_d", source=_2021, verified=True, description="depression rate",
    )  # fmt: skip
    resting_weight: float = parameter(
        5 * 1645.6 / (1645.6 + 313.1), unit="mV", bounds=(1e-3, 10), symbol="h_0", verified=True,
        source=f"{_2021}: 5 γ_p/(γ_p + γ_d)", description="early weight at rest",
    )  # fmt: skip
    noise: float = parameter(
        9.1844 * 10 / 1000**0.5, unit="mV", bounds=(0, 100), symbol="σ", verified=True,
        source=f"{_2021}: 9.1844·10/√1000", description="plasticity noise; 0 switches it off",
    )  # fmt: skip
    tag_fraction: float = parameter(
        0.2, unit="1", bounds=(1e-6, 10), symbol="θ_tag/h_0", source=_2021, verified=True,
        description="deviation of the early weight that sets a tag",
    )  # fmt: skip
    protein_fraction: float = parameter(
        0.5, unit="1", bounds=(1e-6, 1e6), symbol="θ_pro/h_0", source=_2021, verified=True,
        description="summed deviation that starts synthesis where no neuromodulator is modelled",
    )  # fmt: skip
    tau_protein: float = parameter(
        3600.0, unit="s", bounds=(1, 30 * day), symbol="τ_p", source=_2021, verified=True,
        description="time constant of the proteins",
    )  # fmt: skip
    tau_late: float = parameter(
        3600.0, unit="s", bounds=(1, 30 * day), symbol="τ_z", source=_2021, verified=True,
        description="time constant of the late phase",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_parameters(self)
        make_plain(self)
        if self.potentiation_threshold < self.depression_threshold:
            raise ValueError(
                f"potentiation_threshold {self.potentiation_threshold:g} must not be below depression_threshold "
                f"{self.depression_threshold:g}"
            )

    @property
    def relaxation_time(self) -> float:
        """τ_h/0.1 (s): how the early weight, its tag and S decay while calcium is low."""
        return self.tau_early / 0.1

    def constants(self) -> SynapseConstants:
        """Rates (1/s), stationary means (mV, from h_0) and variances (mV²) of the early phase in its three regimes."""
        h_0, pull_p, pull_d = self.resting_weight, self.potentiation_rate, self.depression_rate
        pulls = (0.1, 0.1 + pull_d, 0.1 + pull_p + pull_d)
        sources = (0.1 * h_0, 0.1 * h_0, 0.1 * h_0 + 10.0 * pull_p)
        return SynapseConstants(
            calcium_pre=float(self.calcium_pre),
            calcium_post=float(self.calcium_post),
            tau_calcium=float(self.tau_calcium),
            threshold_low=float(self.depression_threshold),
            threshold_high=float(self.potentiation_threshold),
            rates=tuple(pull / self.tau_early for pull in pulls),  # type: ignore[arg-type]
            means=(0.0, sources[1] / pulls[1] - h_0, sources[2] / pulls[2] - h_0),
            variances=tuple(count * self.noise**2 / (2 * pull) for count, pull in enumerate(pulls)),  # type: ignore[arg-type]
            resting_weight=float(h_0),
            tag_threshold=self.tag_fraction * h_0,
            tau_protein=float(self.tau_protein),
            protein_rate=1.0 / self.tau_protein,
            late_rate=1.0 / self.tau_late,
        )


NETWORK_SYNAPSE = CalciumSynapse(calcium_pre=0.6, calcium_post=0.16548)
"""The synapse of the published networks: calcium contributions reduced by 0.6 (doi:10.1038/s42003-021-01778-y)."""


class Drives(NamedTuple):
    """n(t) + 0.001 = h_0/θ_pro on consecutive stretches of time, on none of which it rises.

    On stretch k: levels[k] + Σ amplitudes[k]·exp(−rates·(t − starts[k])), from starts[k] (s) on; starts[0] is −∞.
    """

    starts: NDArray[np.float64]
    levels: NDArray[np.float64]
    amplitudes: NDArray[np.float64]
    rates: NDArray[np.float64]
