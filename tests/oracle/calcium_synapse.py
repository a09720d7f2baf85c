"""Slow twins of the calcium synapse, written from its equations alone and stepped through time.

`step` repeats the scheme of the published simulator for calcium and the early phase, everything once a step.
`exact_step` cuts every step at the crossings of calcium and integrates each piece of the noise-free equations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

H_0 = 5 * 1645.6 / (1645.6 + 313.1)


@dataclass
class Synapse:
    """State and parameters of one synapse, symbols of the paper."""

    c_pre: float = 1.0
    c_post: float = 0.2758
    theta_pro: float = 0.5 * H_0
    c: float = 0.0
    h: float = H_0
    z: float = 0.0
    p: float = 0.0
    tau_c: float = 0.0488
    tau_h: float = 688.4
    gamma_p: float = 1645.6
    gamma_d: float = 313.1
    theta_p: float = 3.0
    theta_d: float = 1.2
    theta_tag: float = 0.2 * H_0
    tau_p: float = 3600.0
    tau_z: float = 3600.0

    def step(self, pre: int, post: int, dt: float) -> None:
        """The published scheme: calcium first, then one exponential a step in the regime calcium is then in."""
        self.c = self.c * math.exp(-dt / self.tau_c) + pre * self.c_pre + post * self.c_post
        above_p, above_d = self.c >= self.theta_p, self.c >= self.theta_d
        pull = 0.1 + self.gamma_p * above_p + self.gamma_d * above_d
        goal = (0.1 * H_0 + 10 * self.gamma_p * above_p) / pull
        self.h = goal + (self.h - goal) * math.exp(-dt * pull / self.tau_h)

    def exact_step(self, dt: float, total: float) -> None:
        """One step without spikes or noise: pieces between crossings of calcium, each an exponential."""
        cuts = [0.0, dt]
        for theta in (self.theta_p, self.theta_d):
            if self.c > theta > self.c * math.exp(-dt / self.tau_c):
                cuts.append(self.tau_c * math.log(self.c / theta))
        cuts.sort()
        for begin, end in pairwise(cuts):
            middle = self.c * math.exp(-0.5 * (begin + end) / self.tau_c)
            above_p, above_d = middle > self.theta_p, middle > self.theta_d
            pull = 0.1 + self.gamma_p * above_p + self.gamma_d * above_d
            goal = (0.1 * H_0 + 10 * self.gamma_p * above_p) / pull
            tagged = (self.h - H_0 > self.theta_tag) * 1.0 - (H_0 - self.h > self.theta_tag) * 1.0
            aim = 1.0 if tagged > 0 else -0.5
            produced = float(total > self.theta_pro)
            kept = math.exp(-(end - begin) / self.tau_p)
            seen = produced * (end - begin) + (self.p - produced) * self.tau_p * (1 - kept)
            if tagged:
                self.z = aim + (self.z - aim) * math.exp(-seen / self.tau_z)
            self.p = produced + (self.p - produced) * kept
            self.h = goal + (self.h - goal) * math.exp(-(end - begin) * pull / self.tau_h)
        self.c *= math.exp(-dt / self.tau_c)
