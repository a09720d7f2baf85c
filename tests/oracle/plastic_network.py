"""Slow twin of the tag-and-capture network: dense matrices, every synapse stepped at every step.

Only the random numbers come from the library. Plasticity has no noise here; within a step calcium is cut at its
crossings, tags and synthesis are looked at once a step.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad

from engram.networks.random_normal import normal_deviates

H_0 = 5 * 1645.6 / (1645.6 + 313.1)


def coloured_path(dt: float, tau: float, tau_m: float, resistance: float) -> tuple[float, float]:
    """mV that 1 nA of Ornstein-Uhlenbeck current at the start and at the end of a step adds, expected path between."""
    rise = lambda s: resistance / tau_m * np.exp(-(dt - s) / tau_m)  # noqa: E731
    before = quad(lambda s: rise(s) * np.sinh((dt - s) / tau) / np.sinh(dt / tau), 0, dt)[0]
    after = quad(lambda s: rise(s) * np.sinh(s / tau) / np.sinh(dt / tau), 0, dt)[0]
    return before, after


def simulate(
    plastic: np.ndarray,
    fixed: np.ndarray,
    steps: int,
    seed: int,
    stimuli: list[tuple[int, int, list[int], float, float]],
    *,
    dt: float = 2e-4,
    c_pre: float = 0.6,
    c_post: float = 0.16548,
    tau_p: float = 3600.0,
    tau_z: float = 3600.0,
    theta_pro: float = 0.5 * H_0,
) -> dict[str, np.ndarray]:
    """`plastic`: E×E of 0 and 1, source first. `fixed`: all×all, nA. `stimuli`: on, off, neurons, mean, sd (nA)."""
    excitatory, neurons = len(plastic), len(fixed)
    tau_m, tau_syn, tau, resistance, sd = 0.01, 0.005, 0.005, 10.0, 0.05 / np.sqrt(2 * 0.005)
    before, after = coloured_path(dt, tau, tau_m, resistance)
    synaptic_mv = quad(lambda s: resistance / tau_m * np.exp(-(dt - s) / tau_m - s / tau_syn), 0, dt)[0]
    kept_ou = np.exp(-dt / tau)
    noise_ou = np.sqrt(1 - kept_ou**2)
    u, synaptic, refractory = np.zeros(neurons), np.zeros(neurons), np.zeros(neurons, int)
    background = sd * normal_deviates(neurons, seed=seed, stream=4, step=0)
    current = [np.zeros(len(stimulus[2])) for stimulus in stimuli]
    c, h, z = np.zeros(plastic.shape), np.full(plastic.shape, H_0), np.zeros(plastic.shape)
    p = np.zeros(excitatory)
    emitted = np.zeros((steps + 1, neurons), bool)
    for step in range(steps):
        if step >= 15:
            came = emitted[step - 15]
            synaptic += fixed[came].sum(0)
            synaptic[:excitatory] += (plastic * (h + H_0 * z))[came[:excitatory]].sum(0) / resistance
        if step >= 94:
            c[emitted[step - 94, :excitatory]] += c_pre
        push = np.zeros(neurons)
        for number, (on, off, who, mean, deviation) in enumerate(stimuli):
            if on <= step < off:
                old = current[number] if step > on else np.zeros(len(who))
                draws = normal_deviates(len(who), seed=seed, stream=16 + number, step=step)
                current[number] = kept_ou * old + deviation * noise_ou * draws
                push[who] += resistance * (1 - np.exp(-dt / tau_m)) * mean + before * old + after * current[number]
        new = kept_ou * background + sd * noise_ou * normal_deviates(neurons, seed=seed, stream=3, step=step)
        free = u * np.exp(-dt / tau_m) + resistance * 0.15 * (1 - np.exp(-dt / tau_m))
        free += synaptic_mv * synaptic + before * background + after * new + push
        background = new
        synaptic *= np.exp(-dt / tau_syn)
        spikes = (refractory == 0) & (free >= 10.0)
        u = np.where(spikes | (refractory > 0), -5.0, free)
        refractory = np.where(spikes, 10, np.maximum(refractory - 1, 0))
        emitted[step + 1] = spikes
        # synapses over the step
        produced = ((np.abs(h - H_0) * plastic).sum(0) > theta_pro).astype(float)
        seen = produced * dt + (p - produced) * tau_p * (1 - np.exp(-dt / tau_p))
        p = produced + (p - produced) * np.exp(-dt / tau_p)
        tag = (h - H_0 > 0.2 * H_0) * 1.0 - (H_0 - h > 0.2 * H_0) * 1.0
        aim = np.where(tag > 0, 1.0, -0.5)
        z = np.where(tag != 0, aim + (z - aim) * np.exp(-seen / tau_z), z)
        with np.errstate(divide="ignore"):
            high, low = (np.clip(0.0488 * np.log(c / theta), 0, dt) for theta in (3.0, 1.2))
        for span, above_p, above_d in ((high, 1, 1), (low - high, 0, 1), (dt - low, 0, 0)):
            pull = 0.1 + 1645.6 * above_p + 313.1 * above_d
            goal = (0.1 * H_0 + 16456.0 * above_p) / pull
            h = goal + (h - goal) * np.exp(-pull / 688.4 * span)
        c *= np.exp(-dt / 0.0488)
        c[:, spikes[:excitatory]] += c_post
    return {"h": h, "z": z, "p": p, "spikes": np.argwhere(emitted)}
