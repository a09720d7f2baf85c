"""Path models of observed variables: what follows from covariances for coefficients, chains and misfit."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

ARROW = " → "
SINGULAR = 1e12  # condition of the covariances from which causes cannot be told apart
Equations: TypeAlias = Mapping[str, Sequence[str]]


class PathError(ValueError):
    """A path model that cannot be fitted: the message says what, where and what to do."""


def causal_order(equations: Equations) -> list[str]:
    """All variables, causes before what they cause; ``PathError`` where there is no such order."""
    if not isinstance(equations, Mapping):
        raise PathError(f"equations are {equations!r}; give a mapping of each variable to the list of its causes")
    for effect, causes in equations.items():
        if not isinstance(causes, Sequence) or isinstance(causes, str):
            raise PathError(f"{effect}: its causes are {causes!r}; give a list of them, "
                            f"such as {[causes] if causes and isinstance(causes, str) else ['name']}")  # fmt: skip
        for cause in causes:
            if list(causes).count(cause) > 1:
                raise PathError(f"{effect}: has the cause {cause} twice; leave one")
    names = list(dict.fromkeys([*(c for causes in equations.values() for c in causes), *equations]))
    order: list[str] = []
    waiting = list(names)
    while waiting:
        ready = [name for name in waiting if all(cause in order for cause in equations.get(name, ()))]
        if not ready:
            raise PathError(f"{', '.join(waiting)}: cause themselves by some way round; leave out one path")
        order += ready
        waiting = [name for name in waiting if name not in ready]
    if len(names) == len([name for name in names if not equations.get(name)]):
        raise PathError("there is no path; name causes of at least one variable")
    return order


class Model:
    """What follows from covariances (..., variables, variables), variables in causal order."""

    def __init__(self, order: Sequence[str], causes: Mapping[str, Sequence[str]]) -> None:
        self.order, self.causes = list(order), causes
        self.place = {name: k for k, name in enumerate(order)}
        self.paths = [(cause, effect) for effect in order for cause in causes.get(effect, ())]
        number = {path: k for k, path in enumerate(self.paths)}
        self._chains: list[tuple[str, list[list[int]]]] = []
        first = [name for name in order if name not in causes]
        last = [name for name in order if name in causes and not any(name in own for own in causes.values())]
        for start in first:
            for end in last:
                routes = self._routes(start, end)
                numbers = [[number[step] for step in itertools.pairwise(route)] for route in routes]
                for route, own in zip(routes, numbers, strict=True):
                    if len(own) > 1:
                        self._chains.append((ARROW.join(route), [own]))
                if len(routes) > 1:
                    self._chains.append((f"total: {start}{ARROW}{end}", numbers))
        self.chain_names = [name for name, _ in self._chains]

    def _routes(self, start: str, end: str) -> list[list[str]]:
        if start == end:
            return [[end]]
        return [[*route, end] for cause in self.causes.get(end, ()) for route in self._routes(start, cause)]

    def coefficients(self, s: np.ndarray) -> np.ndarray:
        """Of every path, (paths, ...); NaN where causes cannot be told apart."""
        found = []
        for effect, causes in self.causes.items():
            at = [self.place[name] for name in causes]
            among, to = s[..., at, :][..., at], s[..., at, self.place[effect]]
            good = np.linalg.cond(among) < SINGULAR
            safe = np.where(good[..., None, None], among, np.eye(len(at)))
            b = np.linalg.solve(safe, to[..., None])[..., 0]
            found.append(np.where(good[..., None], b, np.nan))
        return np.moveaxis(np.concatenate(found, axis=-1), -1, 0)

    def chains(self, s: np.ndarray) -> np.ndarray:
        """Effects along every chain, and totals, (chains, ...)."""
        b = self.coefficients(s)
        rows = [sum(np.prod(b[own], axis=0) for own in several) for _, several in self._chains]
        return np.array(rows).reshape(len(rows), *s.shape[:-2])

    def quantities(self, s: np.ndarray) -> np.ndarray:
        """Coefficients of all paths, then effects of all chains."""
        return np.concatenate([self.coefficients(s), self.chains(s)])

    def residual_variances(self, s: np.ndarray) -> dict[str, float]:
        b = dict(zip(self.paths, self.coefficients(s), strict=True))
        return {
            name: float(s[k, k] - sum(b[cause, name] * s[self.place[cause], k] for cause in self.causes[name]))
            for k, name in enumerate(self.order) if name in self.causes
        }  # fmt: skip

    def implied(self, s: np.ndarray) -> np.ndarray:
        """Covariances that the fitted model implies; those of the first causes are as they are."""
        size = len(self.order)
        b = np.zeros((size, size))
        for (cause, effect), value in zip(self.paths, self.coefficients(s), strict=True):
            b[self.place[effect], self.place[cause]] = value
        errors = np.zeros((size, size))
        first = [self.place[name] for name in self.order if name not in self.causes]
        errors[np.ix_(first, first)] = s[np.ix_(first, first)]
        for name, variance in self.residual_variances(s).items():
            errors[self.place[name], self.place[name]] = variance
        out = np.linalg.inv(np.eye(size) - b)
        made: np.ndarray = out @ errors @ out.T
        return made

    @property
    def df(self) -> int:
        first = len(self.order) - len(self.causes)
        return len(self.order) * (len(self.order) - 1) // 2 - first * (first - 1) // 2 - len(self.paths)


def covariances(data: np.ndarray) -> np.ndarray:
    """Of samples (..., variables, people)."""
    off = data - data.mean(axis=-1, keepdims=True)
    found: np.ndarray = np.einsum("...in,...jn->...ij", off, off) / data.shape[-1]
    return found


def correlation(s: np.ndarray) -> np.ndarray:
    sd = np.sqrt(np.diagonal(s, axis1=-2, axis2=-1))
    found: np.ndarray = s / (sd[..., :, None] * sd[..., None, :])
    return found
