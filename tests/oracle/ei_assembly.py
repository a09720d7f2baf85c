"""Slow oracle of the E/I-assembly network: one step after the other in plain NumPy, in the words of the paper.

Every conductance is kept by itself, every neuron has its refractory counter, weights are dense. Units: mV, ms, nS, pA.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engram.networks.ei_assembly import EIAssemblyModel


class Recorded(NamedTuple):
    """Spikes (step, neuron; E first) and, after every step, potentials and conductances of all neurons."""

    spikes: np.ndarray  # [spike, 2]
    potential: np.ndarray  # [step, neuron]
    afferent: np.ndarray
    excitatory: np.ndarray
    inhibitory: np.ndarray


def simulate(
    model: EIAssemblyModel,
    weights: dict[str, np.ndarray],
    mitral: np.ndarray,
    current: np.ndarray | None = None,
) -> Recorded:
    """``weights`` [before, after] for each pathway; ``mitral`` [step, cell]; ``current`` [step, neuron]."""
    m, dt = model, model.time_step
    ne, ni = weights["o_e"].shape[1], weights["o_i"].shape[1]
    steps = len(mitral)
    current = np.zeros((steps, ne + ni)) if current is None else current
    V = np.full(ne, float(m.rest_excitatory))
    U = np.full(ni, float(m.rest_inhibitory))
    w = np.zeros(ne)
    g_oe, g_ee, g_ie = np.zeros(ne), np.zeros(ne), np.zeros(ne)
    g_oi, g_ei, g_ii = np.zeros(ni), np.zeros(ni), np.zeros(ni)
    wait_e, wait_i = np.zeros(ne, int), np.zeros(ni, int)
    d_exc, d_inh = np.exp(-dt / m.tau_synapse_excitatory), np.exp(-dt / m.tau_synapse_inhibitory)
    refractory = round(m.refractory_time / dt)
    e_exc, e_inh = m.reversal_excitatory, m.reversal_inhibitory
    spikes, potential, afferent, excitatory, inhibitory = [], [], [], [], []
    for t in range(steps):
        # 1 membrane and adaptation, Euler, from the old values
        synaptic = (g_oe + g_ee) * (e_exc - V) + g_ie * (e_inh - V) - w + current[t, :ne]
        new_V = V + dt / m.tau_excitatory * ((m.rest_excitatory - V) + synaptic / m.leak_excitatory)
        new_w = w + dt / m.tau_adaptation * (m.adaptation_coupling * (V - m.rest_excitatory) - w)
        synaptic = (g_oi + g_ei) * (e_exc - U) + g_ii * (e_inh - U) + current[t, ne:]
        new_U = U + dt / m.tau_inhibitory * ((m.rest_inhibitory - U) + synaptic / m.leak_inhibitory)
        V, w, U = new_V, new_w, new_U
        # 2 clamp
        V[wait_e > 0] = m.rest_excitatory
        U[wait_i > 0] = m.rest_inhibitory
        # 3 spikes
        fired_e, fired_i = V > m.threshold_excitatory, U > m.threshold_inhibitory
        # 4 counters
        wait_e, wait_i = np.maximum(wait_e - 1, 0), np.maximum(wait_i - 1, 0)
        wait_e[fired_e], wait_i[fired_i] = refractory, refractory
        # 5 adaptation
        w[fired_e] += m.adaptation_jump
        # 6 conductances
        s_o, s_e, s_i = mitral[t].astype(float), fired_e.astype(float), fired_i.astype(float)
        g_oe = g_oe * d_exc + m.strength_o_e * (s_o @ weights["o_e"])
        g_ee = g_ee * d_exc + m.strength_e_e * (s_e @ weights["e_e"])
        g_ie = g_ie * d_inh + m.strength_i_e * (s_i @ weights["i_e"])
        g_oi = g_oi * d_exc + m.strength_o_i * (s_o @ weights["o_i"])
        g_ei = g_ei * d_exc + m.strength_e_i * (s_e @ weights["e_i"])
        g_ii = g_ii * d_inh + m.strength_i_i * (s_i @ weights["i_i"])
        spikes += [(t, i) for i in np.flatnonzero(np.concatenate([fired_e, fired_i]))]
        potential.append(np.concatenate([V, U]))
        afferent.append(np.concatenate([g_oe, g_oi]))
        excitatory.append(np.concatenate([g_oe + g_ee, g_oi + g_ei]))
        inhibitory.append(np.concatenate([g_ie, g_ii]))
    return Recorded(
        np.array(spikes, int).reshape(-1, 2),
        *(np.array(part) for part in (potential, afferent, excitatory, inhibitory)),
    )
