"""Slow twins of visual learning, written from the equations: dense matrices, explicit sums, fine integration."""

import math
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp
from scipy.stats import norm


def von_mises(angle_degrees, width, period):
    kappa = (period / (2 * math.pi * width)) ** 2
    return math.exp(kappa * (math.cos(2 * math.pi * angle_degrees / period) - 1))


def mean_counts(p, direction, gain):
    """One unit after the other."""
    counts = []
    for i in range(p.units):
        preferred = -p.period / 2 + i * p.period / p.units
        bump = von_mises(direction - preferred, p.tuning_width, p.period)
        counts.append(gain[i] * p.window * (p.baseline_rate + (p.peak_rate - p.baseline_rate) * bump))
    return np.array(counts)


def slopes(p, direction, gain, step=1e-3):
    """Central differences of fourth order."""
    f = [mean_counts(p, direction + k * step, gain) for k in (-2, -1, 1, 2)]
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step)


def covariance(p, direction, gain, input_noise=0.0):
    counts = mean_counts(p, direction, gain)
    out = np.empty((p.units, p.units))
    for i in range(p.units):
        for j in range(p.units):
            difference = (i - j) * p.period / p.units
            shared = p.correlation * von_mises(difference, p.correlation_width, p.period)
            correlation = 1.0 if i == j else shared
            out[i, j] = correlation * p.fano * math.sqrt(counts[i] * counts[j])
    slope = slopes(p, direction, gain)
    return out + input_noise**2 * np.outer(slope, slope)


def fisher(p, direction, gain, input_noise=0.0):
    slope = slopes(p, direction, gain)
    return float(slope @ np.linalg.solve(covariance(p, direction, gain, input_noise), slope))


def transferred(source, until, transfer_time, breaks):
    """x at ``until`` of τ_x ẋ = z(t) − x, by an adaptive integrator that stops at every break."""
    x = 0.0
    edges = sorted({0.0, until, *[b for b in breaks if 0 < b < until]})
    for begin, end in pairwise(edges):

        def slope(t, y, before=end * (1 - 1e-12)):
            return [(source(min(t, before)) - y[0]) / transfer_time]

        solution = solve_ivp(slope, (begin, end), [x], rtol=1e-8, atol=1e-10, max_step=3600.0)
        x = float(solution.y[0, -1])
    return x


def staircase(down, step, start, reversals, used, generator):
    """One run of an observer with p(δ) = Φ(Φ⁻¹(½^(1/down)) δ); log of the estimate."""
    slope = norm.ppf(0.5 ** (1 / down))
    level, streak, last_move, turns = math.log10(start), 0, None, []
    while len(turns) < reversals:
        correct = generator.random() < 0.5 * (1 + math.erf(slope * 10**level / math.sqrt(2)))
        move = None
        if correct:
            streak += 1
            if streak == down:
                move, streak = -1, 0
        else:
            move, streak = 1, 0
        if move is None:
            continue
        if last_move is not None and move != last_move:
            turns.append(level)
        last_move = move
        level += move * step
    return float(np.mean(turns[-used:])) * math.log(10)


def participation_ratio(p, gain, directions=2000):
    responses = np.array([mean_counts(p, d, gain) for d in np.linspace(-p.period / 2, p.period / 2, directions, False)])
    values = np.linalg.eigvalsh(np.cov(responses, rowvar=False, bias=True))
    return float(values.sum() ** 2 / (values**2).sum())


def few_shot(first, second, covariances, examples, trials, generator):
    """Mean and standard deviation of h, and how often the wrong prototype is nearer."""
    roots = [np.linalg.cholesky(c) for c in covariances]
    n = len(first)
    h = np.empty(trials)
    for trial in range(trials):
        a = first + (roots[0] @ generator.standard_normal((n, examples))).mean(axis=1)
        b = second + (roots[1] @ generator.standard_normal((n, examples))).mean(axis=1)
        new = first + roots[0] @ generator.standard_normal(n)
        h[trial] = 0.5 * ((new - b) ** 2).sum() - 0.5 * ((new - a) ** 2).sum()
    return h.mean(), h.std(ddof=1), (h < 0).mean()


def reward_update(weights, mean, correlation, decision_noise, slope, trials, generator):
    """Mean of C (r − E[r]) z over trials with the stimulus on both sides in turn, and of its error."""
    root = np.linalg.cholesky(correlation)
    variance = weights @ correlation @ weights + decision_noise**2
    total = []
    for trial in range(trials):
        side = 1 if trial % 2 else -1
        z = side * mean + root @ generator.standard_normal(len(mean))
        u = weights @ z + decision_noise * generator.standard_normal()
        choice = math.copysign(1, u)
        reward = float(choice == side)
        expected = 1 / (1 + math.exp(-slope * abs(u) / math.sqrt(variance)))
        total.append(choice * (reward - expected) * z)
    total = np.array(total)
    return total.mean(axis=0), total.std(axis=0, ddof=1) / math.sqrt(trials)
