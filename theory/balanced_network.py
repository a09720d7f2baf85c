"""Mean-field rates of the E/I-assembly network, and when its responses are inhibition-stabilised.

A neuron far below threshold fires when its fluctuating potential crosses it, which for a smooth Gaussian process
happens at Rice's rate (Rice 1945, doi:10.1002/j.1538-7305.1945.tb00453.x)::

    ν = √(−R''(0) / R(0)) / 2π · exp(−(θ − μ)² / 2R(0)),    r = ν / (1 + ν t_ref)

Shot noise filtered by a synapse (τ_k) and by the membrane (τ_m, the membrane's time constant under the mean conductance
G = g_L + a + g_exc + g_inh) has R(0) = Σ s_k², −R''(0) = Σ s_k² / (τ_k τ_m), with

    s_k² = n_k (J_k (E_k − μ) / G)² τ_k/2 · τ_k / (τ_k + τ_m),    n_k: arriving spikes per ms.

The mean μ is where currents balance, adaptation included (a slows with the membrane, b r τ_w is a mean current). Inputs
differ between neurons; the spread of conductances (Poisson in-degrees and rates of the presynaptic cells) moves μ
with a Gaussian spread, over which r is averaged. Where μ lies above threshold the rate of regular firing,
1/(t_ref + τ_m ln((μ − E_L)/(μ − θ))), counts if it is higher. Rates and their spreads are found self-consistently.

Against simulated networks (tests/theory/test_theory_balanced_network.py), rates of E neurons come out 9 % too low in
family A, 40 % too high in B, 5 % too low in C and 25 % too low in D.

What the theory leaves out: the reset (a neuron is taken to forget its spikes), correlations, and the transient after
the onset of an odour.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engram.networks.ei_assembly.parameters import EIAssemblyModel

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
ROUNDS = 4000


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Mean rates (Hz) and their spread over neurons (SD, Hz)."""

    excitatory: float
    inhibitory: float
    spread_excitatory: float
    spread_inhibitory: float


@dataclass(frozen=True, kw_only=True)
class Mitral:
    """Rates (Hz) of the mitral cells: mean and SD over cells."""

    mean: float
    spread: float

    @classmethod
    def baseline(cls) -> Mitral:
        """Spontaneous activity."""
        return cls(mean=6.0, spread=0.0)

    @classmethod
    def odour(cls, raised: float = 19.0, lowered: float = 2.0) -> Mitral:
        """10 % of the cells at 6 Hz + change, faded over 1.5 s (19 Hz on average), 5 % lowered to 2 Hz."""
        mean = 0.1 * raised + 0.05 * lowered + 0.85 * 6.0
        # whole-numbered changes of 8 to 32 Hz spread by 7.2 Hz, times the mean fading of 0.73
        second = 0.1 * (raised**2 + (0.73 * 7.2) ** 2) + 0.05 * (lowered**2 + 2.0) + 0.85 * 36.0
        return cls(mean=mean, spread=float(np.sqrt(second - mean**2)))


def response(
    model: EIAssemblyModel, population: str, arriving: dict[str, float], spread: dict[str, float], own_rate: float,
    current: float = 0.0,
) -> tuple[float, float]:  # fmt: skip
    """Mean and SD over neurons (Hz) of the rate of a population.

    Parameters
    ----------
    model : EIAssemblyModel
        Parameters.
    population : {"e", "i"}
        Which neurons.
    arriving, spread : dict
        For the presynaptic cells "o", "e" and "i": spikes a neuron receives per second, mean and SD over neurons.
    own_rate : float
        Its own mean rate (Hz), which drives adaptation.
    current : float
        Into every neuron (pA).
    """
    adapting = population == "e"
    tau = model.tau_excitatory if adapting else model.tau_inhibitory
    leak = model.leak_excitatory if adapting else model.leak_inhibitory
    rest = model.rest_excitatory if adapting else model.rest_inhibitory
    threshold = model.threshold_excitatory if adapting else model.threshold_inhibitory
    a = model.adaptation_coupling if adapting else 0.0
    b = model.adaptation_jump * model.tau_adaptation * own_rate / 1000.0 if adapting else 0.0
    strength = {k: getattr(model, f"strength_{k}_{population}") for k in "oei"}
    synapse = {"o": model.tau_synapse_excitatory, "e": model.tau_synapse_excitatory, "i": model.tau_synapse_inhibitory}
    reversal = {"o": model.reversal_excitatory, "e": model.reversal_excitatory, "i": model.reversal_inhibitory}
    g = {k: strength[k] * synapse[k] * arriving[k] / 1000.0 for k in "oei"}
    total = leak + a + sum(g.values())
    mean = (leak * rest + a * rest + sum(g[k] * reversal[k] for k in "oei") - b + current) / total
    tau_m = tau * leak / total
    step = {k: strength[k] * (reversal[k] - mean) / total for k in "oei"}
    variance = {
        k: arriving[k] / 1000.0 * step[k] ** 2 * synapse[k] / 2 * synapse[k] / (synapse[k] + tau_m) for k in "oei"
    }
    level = sum(variance.values())
    slope = sum(variance[k] / (synapse[k] * tau_m) for k in "oei")
    quenched = np.sqrt(sum((step[k] * synapse[k] * spread[k] / 1000.0) ** 2 for k in "oei"))
    means = mean + quenched * NODES
    crossing = np.sqrt(slope / level) / (2 * np.pi) * np.exp(-(np.maximum(threshold - means, 0.0) ** 2) / (2 * level))
    rate = 1000.0 * crossing / (1 + crossing * model.refractory_time)
    driven = means > threshold
    interval = tau_m * np.log((means[driven] - rest) / (means[driven] - threshold))
    rate[driven] = np.maximum(rate[driven], 1000.0 / (model.refractory_time + interval))
    average = float(WEIGHTS @ rate)
    return average, float(np.sqrt(max(WEIGHTS @ rate**2 - average**2, 0.0)))


def _inputs(
    model: EIAssemblyModel, population: str, mitral: Mitral, rates: Rates
) -> tuple[dict[str, float], dict[str, float]]:
    number = {"o": model.n_mitral, "e": model.n_excitatory, "i": model.n_inhibitory}
    mean = {"o": mitral.mean, "e": rates.excitatory, "i": rates.inhibitory}
    spread = {"o": mitral.spread, "e": rates.spread_excitatory, "i": rates.spread_inhibitory}
    arriving, differing = {}, {}
    for k in "oei":
        degree = number[k] * getattr(model, f"probability_{k}_{population}")
        arriving[k] = degree * mean[k]
        differing[k] = float(np.sqrt(degree) * spread[k])
    return arriving, differing


def step_of(model: EIAssemblyModel, mitral: Mitral, rates: Rates, into_inhibitory: float = 0.0) -> Rates:
    """Rates that a network with these rates gives rise to; fixed points are the mean-field solutions.

    ``into_inhibitory`` is a current (pA) into every I neuron.
    """
    e = response(model, "e", *_inputs(model, "e", mitral, rates), rates.excitatory)
    i = response(model, "i", *_inputs(model, "i", mitral, rates), rates.inhibitory, into_inhibitory)
    return Rates(excitatory=e[0], inhibitory=i[0], spread_excitatory=e[1], spread_inhibitory=i[1])


def mean_field(
    model: EIAssemblyModel, mitral: Mitral, start: Rates | None = None, into_inhibitory: float = 0.0
) -> Rates:
    """Self-consistent rates, reached by small steps from ``start``, by default a state of low rates.

    ``into_inhibitory`` is a current (pA) into every I neuron.

    Raises
    ------
    RuntimeError
        If the steps do not settle.
    """
    now = start or Rates(excitatory=0.5, inhibitory=4.0, spread_excitatory=0.5, spread_inhibitory=1.0)
    for _ in range(ROUNDS):
        new = step_of(model, mitral, now, into_inhibitory)
        changes = {}
        for name, share in (("excitatory", 0.02), ("inhibitory", 0.05), ("spread_excitatory", 0.02),
                            ("spread_inhibitory", 0.05)):  # fmt: skip
            changes[name] = getattr(now, name) + share * (getattr(new, name) - getattr(now, name))
        moved = max(abs(value - getattr(now, name)) for name, value in changes.items())
        now = Rates(**changes)
        if moved < 1e-9:
            return now
    raise RuntimeError("the mean-field rates do not settle; the network may have no stationary state here")


@dataclass(frozen=True, kw_only=True)
class Stability:
    """Linear response of the rates around a mean-field state.

    ``loop_*`` are derivatives of a population's rate with respect to the mean rate of another, everything else fixed.
    """

    loop_e_e: float
    loop_i_e: float  # effect of I on E, negative
    loop_e_i: float
    loop_i_i: float

    @property
    def inhibition_stabilised(self) -> bool:
        """E alone would run away (loop above 1), and E with I does not."""
        return self.loop_e_e > 1 and self.determinant > 0

    @property
    def determinant(self) -> float:
        """(1 − ∂E/∂E)(1 − ∂I/∂I) − ∂E/∂I ∂I/∂E; the state is lost where it reaches zero."""
        return (1 - self.loop_e_e) * (1 - self.loop_i_i) - self.loop_i_e * self.loop_e_i

    @property
    def inhibitory_gain(self) -> float:
        """Change of the I rate over what a drive of I neurons alone would change it by: (1 − ∂E/∂E) / determinant.

        Negative where the state is inhibition-stabilised: I neurons that are driven fire less, for E neurons withdraw
        more than was given (Tsodyks et al. 1997, doi:10.1523/JNEUROSCI.17-11-04382.1997).
        """
        return (1 - self.loop_e_e) / self.determinant

    @property
    def excitatory_gain(self) -> float:
        """Change of the E rate for the same drive: (∂E/∂I) / determinant, always negative in a stable state."""
        return self.loop_i_e / self.determinant


def stability(model: EIAssemblyModel, mitral: Mitral, rates: Rates, difference: float = 1e-3) -> Stability:
    """Derivatives by central differences (Hz); spreads are held."""

    def slope(of: str, by: str) -> float:
        up, down = (
            step_of(model, mitral, replace(rates, **{by: getattr(rates, by) + sign * difference})) for sign in (1, -1)
        )
        return float((getattr(up, of) - getattr(down, of)) / (2 * difference))

    return Stability(
        loop_e_e=slope("excitatory", "excitatory"), loop_i_e=slope("excitatory", "inhibitory"),
        loop_e_i=slope("inhibitory", "excitatory"), loop_i_i=slope("inhibitory", "inhibitory"),
    )  # fmt: skip


def assembly_rate(
    model: EIAssemblyModel, mitral: Mitral, enrichment: float, members: int = 100, own_mitral: float | None = None
) -> float:
    """Rate (Hz) of an assembly whose E→E connections are ``enrichment`` times as probable inside, χ = 1.

    The rest of the network stays at its mean-field rates; inf where the assembly runs away, that is where no rate below
    its feedback's fixed point is left. ``own_mitral`` is the mean rate of the mitral cells that its members listen to.
    """
    background = mean_field(model, mitral)
    arriving, spread = _inputs(model, "e", mitral, background)
    degree = model.n_excitatory * model.probability_e_e
    inside = enrichment * members * model.probability_e_e
    if own_mitral is not None:
        arriving["o"] = model.n_mitral * model.probability_o_e * own_mitral
    rate = background.excitatory
    for _ in range(ROUNDS):
        arriving["e"] = inside * rate + (degree - inside) * background.excitatory
        new = response(model, "e", arriving, spread, rate)[0]
        if new > 60.0:
            return float("inf")
        if abs(new - rate) < 1e-9:
            break
        rate += 0.05 * (new - rate)
    return rate


def runaway_enrichment(
    model: EIAssemblyModel, mitral: Mitral, members: int = 100, own_mitral: float | None = None, above: float = 10.0
) -> float:
    """Smallest enrichment (in steps of 0.25, up to 20) at which an assembly fires ``above`` × the others' rate."""
    background = mean_field(model, mitral).excitatory
    for enrichment in np.arange(1.0, 20.25, 0.25):
        if assembly_rate(model, mitral, float(enrichment), members, own_mitral) > above * background:
            return float(enrichment)
    return float("inf")
