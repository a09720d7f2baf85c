"""Slow oracle of the memory-trace models, written from their differential equations.

Between two events e, c, q, g, the drive m and the concentrations are plain exponentials, evaluated as such.
Protein p, late strength z and labile strength l of all traces are integrated together:

    tau_protein p' = -p + production
    tau_late    z' = p [pull (1 - z - l) under a positive tag, -pull (z + l + 1/2) under a negative one] + p l
                l' = -l / tau_labile - p l / tau_late

    ThresholdCapture: production = H((ambient + S)(m + epsilon) - 1); tag: sign of e if |e| > theta; pull = 1
    LinearCapture:    production = gain m (ambient + S); tag: sign of g; pull = |g|
    EncodingOnly:     no protein; z stands still

An interval between events is cut wherever a tag expires or a trace's production switches, so that no
integration runs over a jump of the right-hand side; on each piece the two flags are those at its middle.
Where the equations leave a choice (each marked "Choice" below) this file takes the most literal reading.
Times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import expit

from .timeline import BLOCKERS, kinship_matrix, names_of_traces, steps_in_time

READ = ("early", "tag", "late", "labile", "eligibility", "protein", "competing", "strength")
DYNAMICS = ("ThresholdCapture", "LinearCapture", "EncodingOnly")


class Result(NamedTuple):
    """State at each read time, after every event at that time."""

    times: np.ndarray  # [time]
    traces: list[str]
    early: np.ndarray  # [time, trace, node], as the next four
    tag: np.ndarray  # sign of the tag (threshold), g (linear), 0 (encoding only)
    late: np.ndarray
    labile: np.ndarray
    eligibility: np.ndarray
    protein: np.ndarray  # [time, trace], as the next two
    competing: np.ndarray
    strength: np.ndarray
    tests: list[tuple[str, float, float]]  # (trace, time, strength) before the reactivation a test may cause


@dataclass
class State:
    """Everything that changes, at one instant; n traces, k nodes, r neuromodulators."""

    early: np.ndarray  # [n, k]
    eligibility: np.ndarray  # [n, k]
    tag: np.ndarray  # [n, k], g of LinearCapture
    late: np.ndarray  # [n, k]
    labile: np.ndarray  # [n, k]
    protein: np.ndarray  # [n]
    competing: np.ndarray  # [n]
    last_encoded: np.ndarray  # [n]
    concentration: np.ndarray  # [r]
    drive: np.ndarray  # [r], what is left of each modulator's drive
    surprise: float = 0.0
    sleeping: int = 0  # number of Sleep events under way
    interventions: list[Any] = field(default_factory=list)  # Intervene events under way


def simulate(
    model: Any,
    protocol_events: list[Any],
    times: Any,
    relatedness: dict[tuple[str, str], float] | None = None,
    categories: dict[str, str] | None = None,
    within_category: float = 0.5,
    scores: Any = (0.0,),
    weights: Any = (1.0,),
    rtol: float = 1e-12,
    atol: float = 1e-15,
) -> Result:
    """Follow every trace through a protocol.

    Parameters
    ----------
    model : object
        Has the fields of a memory-trace model; the name of its class says which dynamics it follows.
    protocol_events : list
        Event objects in the order written, recognised by the names of their classes.
    times : array_like, shape (time,)
        When to read the state (s), in any order.
    relatedness, categories, within_category
        How far traces share proteins: K of a pair, and K within a category.
    scores, weights : array_like, shape (node,)
        Standard scores of the heterogeneity nodes and their weights, which sum to 1.
    rtol, atol : float
        Tolerances of the integration of p, z and l.

    Raises
    ------
    ValueError
        If a class of model or event, an agent or a modulator is unknown.
    """
    traces = names_of_traces(protocol_events, relatedness or {}, categories or {})
    kinship = kinship_matrix(traces, relatedness or {}, categories or {}, within_category)
    nodes = np.asarray(scores, dtype=float), np.asarray(weights, dtype=float)
    oracle = _Oracle(model, steps_in_time(protocol_events), traces, kinship, *nodes, rtol, atol)
    return oracle.run(np.atleast_1d(np.asarray(times, dtype=float)))


class _Oracle:
    def __init__(self, model, steps, traces, kinship, scores, weights, rtol, atol):
        self.dynamics = next((c.__name__ for c in type(model).__mro__ if c.__name__ in DYNAMICS), None)
        if self.dynamics is None:
            raise ValueError(f"The oracle knows {', '.join(DYNAMICS)}, not {type(model).__name__}.")
        self.captures = self.dynamics != "EncodingOnly"
        self.model, self.modulators = model, list(model.neuromodulators)
        self.steps, self.traces, self.kinship = steps, traces, kinship
        self.scores, self.weights = scores, weights
        self.rtol, self.atol = rtol, atol
        self.tests: list[tuple[str, float, float]] = []
        self.now = steps[0][0] if steps else 0.0
        # Choice: "all start at 0" holds literally at the first event, p included, even with a baseline drive.
        n, r, per_node = len(traces), len(self.modulators), (len(traces), len(scores))
        early, eligibility, tag, late, labile = (np.zeros(per_node) for _ in range(5))
        protein, competing, last_encoded = (np.zeros(n) for _ in range(3))
        concentration, drive = np.zeros(r), np.zeros(r)
        self.state = State(
            early, eligibility, tag, late, labile, protein, competing, last_encoded, concentration, drive
        )

    def run(self, times: np.ndarray) -> Result:
        rows: dict[int, dict[str, np.ndarray]] = {}
        done = 0
        for index in np.argsort(times, kind="stable"):
            while done < len(self.steps) and self.steps[done][0] <= times[index]:
                at, action, event = self.steps[done]
                self.advance(at)
                self.apply(action, event)
                done += 1
            if done > 0:  # before the first event everything is at rest
                self.advance(times[index])
            rows[index] = self.row(times[index])
        for at, action, event in self.steps[done:]:
            self.advance(at)
            self.apply(action, event)
        columns = {name: np.array([rows[i][name] for i in range(len(times))]) for name in READ}
        return Result(times=times, traces=self.traces, tests=self.tests, **columns)

    def row(self, at: float) -> dict[str, np.ndarray]:
        s = self.state
        tag = np.zeros_like(s.early)
        if self.dynamics == "ThresholdCapture":
            tag = self.threshold_tag(s.early)
        elif self.dynamics == "LinearCapture":
            tag = s.tag.copy()
        strength = np.array([self.strength(i, at) for i in range(len(self.traces))])
        plain = [name for name in READ if name not in ("tag", "strength")]
        return {name: getattr(s, name).copy() for name in plain} | {"tag": tag, "strength": strength}

    # ---- quantities of the present instant -----------------------------------------------------------------

    def felt(self, modulator: Any, amount: float) -> float:
        """(1 - blocked) response(amount)."""
        under_way = self.state.interventions
        doses = [event.dose for event in under_way if BLOCKERS.get(event.agent) == modulator.receptor]
        return (1.0 - min(1.0, sum(doses))) * _response(modulator, amount)

    def total(self, effect: str) -> float:
        """Sum over modulators of an effect times what is felt of the present concentration."""
        pairs = zip(self.modulators, self.state.concentration, strict=True)
        return sum(getattr(modulator, effect) * self.felt(modulator, amount) for modulator, amount in pairs)

    def stimulation(self) -> float:
        # Choice: stimulations that overlap add up.
        return sum(event.dose for event in self.state.interventions if event.agent == "tdcs")

    def strength(self, i: int, at: float) -> float:
        s, model = self.state, self.model
        # Choice: last_encoded starts at 0; no age is negative.
        age = max(0.0, at - s.last_encoded[i])
        forgetting = (1.0 + age / model.forgetting_time) ** (-model.forgetting_exponent)
        early = self.weights @ s.early[i]
        late = self.weights @ (s.late[i] + s.labile[i])
        read_out = model.weight_early * early + model.weight_late * late * forgetting - s.competing[i]
        return max(0.0, 1.0 + self.total("retrieval_gain")) * read_out

    def threshold_tag(self, early: np.ndarray) -> np.ndarray:
        return np.sign(early) * (np.abs(early) > self.model.tag_threshold)

    # ---- events --------------------------------------------------------------------------------------------

    def apply(self, action: str, event: Any) -> None:
        if action not in ("on", "off"):
            getattr(self, action.lower())(event)
        elif type(event).__name__ == "Sleep":
            self.state.sleeping += 1 if action == "on" else -1
        elif action == "on":
            self.state.interventions.append(event)
        else:
            self.state.interventions.remove(event)

    def encode(self, event: Any) -> None:
        s, model, i = self.state, self.model, self.traces.index(event.trace)
        spread = abs(event.strength) * np.exp(model.strength_spread * self.scores)
        magnitude = np.minimum(spread, max(0.999, abs(event.strength)))
        gain = self.total("encoding_gain") + model.stimulation_gain * self.stimulation()
        f = -np.expm1(max(0.0, 1.0 + gain) * np.log1p(-magnitude))  # 1 - (1 - |s|)^(1 + gain)
        sign = np.sign(event.strength)
        bound = 1.0 if event.strength > 0 else -0.5
        s.early[i] += f * (sign - s.early[i])
        s.tag[i] += f * (sign - s.tag[i])
        s.eligibility[i] += f * (1.0 - s.eligibility[i])
        # the room left keeps both z and z + l in range: l counts only where it lies on the side of the bound
        present = s.late[i] + np.where(s.labile[i] * bound > 0, s.labile[i], 0.0)
        s.late[i] += model.durable_fraction * f * (bound - present)
        s.last_encoded[i] = event.at

    def release(self, event: Any) -> None:
        s = self.state
        k = [modulator.name for modulator in self.modulators].index(event.modulator)
        modulator = self.modulators[k]
        felt = self.felt(modulator, event.dose)
        if self.captures:
            gate = max(0.0, 1.0 + self.total("synthesis_gate"))
            s.drive[k] += modulator.drive_weight * felt * gate
            f = -np.expm1(-modulator.conversion * felt * np.maximum(s.eligibility, 0.0))
            s.early += f * (modulator.direction - s.early)
        s.concentration[k] += event.dose

    def test(self, event: Any) -> None:
        strength = self.strength(self.traces.index(event.trace), event.at)
        self.tests.append((event.trace, event.at, strength))
        if event.reactivates:
            self.reactivate(event)

    def reactivate(self, event: Any) -> None:
        s, model, i = self.state, self.model, self.traces.index(event.trace)
        strength = self.strength(i, event.at)
        f = event.cue * expit((strength - model.completion_midpoint) / model.completion_slope)
        s.early[i] += f * (1.0 - s.early[i])
        s.tag[i] += f * (1.0 - s.tag[i])
        s.eligibility[i] += f * (1.0 - s.eligibility[i])
        if not self.captures or type(event).__name__ == "Test":  # a Test makes no prediction error
            return
        gain = max(-1.0, self.total("lability_gain"))
        exposure = event.prediction_error * event.duration / model.lability_time * (1.0 + gain)
        opened = f * -np.expm1(-exposure)
        moved = opened * s.late[i]
        s.labile[i] += moved
        s.late[i] -= moved
        s.surprise += model.surprise_drive * event.prediction_error

    def extinguish(self, event: Any) -> None:
        s, i = self.state, self.traces.index(event.trace)
        s.labile[i] *= 1.0 - event.strength
        s.competing[i] += event.strength * (1.0 - s.competing[i])

    # ---- between events; x is the time since the last event or read ----------------------------------------

    def drive_after(self, x: Any) -> Any:
        model, s = self.model, self.state
        m = model.baseline_drive + model.sleep_drive * (s.sleeping > 0) + 0.0 * x
        for amplitude, modulator in zip(s.drive, self.modulators, strict=True):
            m = m + (amplitude * np.exp(-x / modulator.drive_clearance) if amplitude else 0.0)
        return m + s.surprise * np.exp(-x / model.surprise_clearance)

    def spread_activity(self) -> np.ndarray:
        """S_i = sum_j K_ij mean_k |e_jk| at the start of the interval; it decays as e does."""
        return self.kinship @ (np.abs(self.state.early) @ self.weights)

    def production_argument(self, activity: float, x: Any) -> Any:
        model = self.model
        decayed = activity * np.exp(-x / model.tau_early)
        return (model.ambient_activity + decayed) * (self.drive_after(x) + model.epsilon) - 1.0

    def cuts(self, length: float) -> list[float]:
        """Where within (0, length) a tag expires or a trace's production switches."""
        theta, tau, found = self.model.tag_threshold, self.model.tau_early, []
        for early in np.abs(self.state.early).ravel():
            found += _sign_changes(lambda x, e=early: e * np.exp(-x / tau) - theta, [tau], length)
        scales = [tau, self.model.surprise_clearance]
        scales += [mod.drive_clearance for mod, a in zip(self.modulators, self.state.drive, strict=True) if a]
        for activity in self.spread_activity():
            found += _sign_changes(lambda x, a=activity: self.production_argument(a, x), scales, length)
        return sorted(found)

    def advance(self, to: float) -> None:
        length = to - self.now
        if length <= 0.0:
            return
        s, model = self.state, self.model
        if self.captures:
            self.integrate(length)
            if self.dynamics == "LinearCapture":
                s.tag *= np.exp(-length / model.tau_tag)
            s.drive *= [np.exp(-length / modulator.drive_clearance) for modulator in self.modulators]
            s.surprise *= np.exp(-length / model.surprise_clearance)
        s.early *= np.exp(-length / model.tau_early)
        s.eligibility *= np.exp(-length / model.tau_eligibility)
        s.competing *= np.exp(-length / model.tau_competing)
        s.concentration *= [np.exp(-length / modulator.clearance) for modulator in self.modulators]
        self.now = to

    def integrate(self, length: float) -> None:
        """Carry p, z and l over an interval without events; e, g, m stay those at its start until the end."""
        s, n, nk, shape = self.state, len(self.traces), self.state.late.size, self.state.late.shape
        edges = [0.0, *(self.cuts(length) if self.dynamics == "ThresholdCapture" else []), length]
        y = np.concatenate([s.protein, s.late.ravel(), s.labile.ravel()])
        for start, stop in pairwise(edges):
            if stop <= start:
                continue
            slope = self.right_hand_side(0.5 * (start + stop))
            tolerances = {"rtol": self.rtol, "atol": self.atol}
            solution = solve_ivp(slope, (start, stop), y, method="DOP853", t_eval=[stop], **tolerances)
            if not solution.success:
                raise RuntimeError(f"Integration failed after {self.now + start} s: {solution.message}")
            y = solution.y[:, -1]
        s.protein, s.late, s.labile = y[:n], y[n : n + nk].reshape(shape), y[n + nk :].reshape(shape)

    def right_hand_side(self, middle: float):
        """The derivative of (p, z, l) on a piece whose tags and production flags are those at its middle."""
        model, s = self.model, self.state
        n, nk, shape = len(self.traces), s.late.size, s.late.shape
        activity = self.spread_activity()
        allowed = not any(event.agent == "protein_synthesis_inhibitor" for event in s.interventions)
        threshold = self.dynamics == "ThresholdCapture"
        producing = [self.production_argument(a, middle) > 0.0 for a in activity] if threshold else []
        tag = self.threshold_tag(s.early * np.exp(-middle / model.tau_early)) if threshold else np.sign(s.tag)

        def derivative(x, y):
            p, z, labile = y[:n], y[n : n + nk].reshape(shape), y[n + nk :].reshape(shape)
            if threshold:
                production, pull = np.asarray(producing), 1.0
            else:
                spread = activity * np.exp(-x / model.tau_early)
                production = model.capture_gain * self.drive_after(x) * (model.ambient_activity + spread)
                pull = np.abs(s.tag) * np.exp(-x / model.tau_tag)
            towards = np.where(tag > 0, 1.0 - z - labile, np.where(tag < 0, -(z + labile + 0.5), 0.0))
            p_of_node = p[:, None]
            dp = (-p + allowed * production) / model.tau_protein
            dz = (p_of_node * pull * towards + p_of_node * labile) / model.tau_late
            dl = -labile / model.tau_labile - p_of_node * labile / model.tau_late
            return np.concatenate([dp, dz.ravel(), dl.ravel()])

        return derivative


def _response(modulator: Any, x: float) -> float:
    h, kind = modulator.dose_scale, modulator.dose_response
    if kind == "linear":
        return x
    if kind == "saturating":
        return x * (1.0 + h) / (x + h)
    if kind == "inverted-u":
        return (x / h) * np.exp(1.0 - x / h)
    raise ValueError(f"The dose response {kind!r} of {modulator.name} is unknown.")


def _sign_changes(function, scales: list[float], length: float) -> list[float]:
    """Every root of a sum of exponentials in (0, length), bracketed on a fine grid over 60 of each scale."""
    stops = [min(length, 60.0 * scale) for scale in scales]
    grid = np.unique(np.concatenate([[length], *(np.linspace(0.0, stop, 1201) for stop in stops)]))
    above = function(grid) > 0.0
    brackets = np.flatnonzero(above[1:] != above[:-1])
    return [brentq(function, grid[j], grid[j + 1], xtol=1e-12, rtol=1e-15) for j in brackets]
