"""What networks of one seed share: wiring, odours, and the members of assemblies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .assemblies import choose_members, make_regime
from .network import EIAssemblyNetwork
from .odours import EIAssemblyOdours, draw_odours
from .parameters import EIAssemblyModel
from .wiring import random_network

LEARNED, NOVEL = 15, 10
PRESENTED = 10  # learned odours that are presented
ROOM = 40.0  # Hz, for networks that fire persistently


class Setting(NamedTuple):
    """Networks of one seed differ in rewiring only."""

    base: EIAssemblyNetwork
    odours: EIAssemblyOdours  # the learned ones first
    members: tuple[np.ndarray, np.ndarray]
    seed: int

    @property
    def cells(self) -> int:
        """Mitral cells."""
        return int(self.base.model.n_mitral)

    def network(self, regime: str, **changes: object) -> EIAssemblyNetwork:
        """The network of a regime; ``changes`` go to `make_regime`."""
        return make_regime(self.base, self.members, regime, seed=self.seed + 4, **changes)  # type: ignore[arg-type]


def setting(
    seed: int, family: str = "A", learned: int = LEARNED, novel: int = NOVEL, model: EIAssemblyModel | None = None
) -> Setting:
    """A random network, learned and novel odours, and members for the learned ones; ``model`` replaces the family."""
    base = random_network(EIAssemblyModel.family(family) if model is None else model, seed=seed + 1)
    odours = draw_odours(learned + novel, seed=seed + 2)
    return Setting(base, odours, choose_members(base, odours.chosen(list(range(learned))), seed=seed + 3), seed)
