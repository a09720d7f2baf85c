"""Memories as assemblies: who belongs to them, and how their connections are rewired.

Rewiring keeps every neuron's summed input: connections from members are added until a target is reached, and as many
are taken away from cells outside the assembly. A connection added to an existing pair makes it stronger. Assemblies are
written one after the other, so that a later one may take away connections of an earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from .network import EIAssemblyNetwork, NetworkError, check_members
from .odours import EIAssemblyOdours

# inputs from within the assembly after rewiring; family C takes 13 for E→I
REGIMES: dict[str, dict[str, int]] = {
    "random": {},
    "scaled I": {"e_e": 25},
    "tuned I": {"e_e": 25, "i_e": 25},
    "tuned E+I": {"e_e": 25, "i_e": 5, "e_i": 25},
}
SCALING = 1.4  # χ of `scaled I`


def most_inputs(rng: np.random.Generator, inputs: np.ndarray, number: int) -> np.ndarray:
    """``number`` cells, drawn from all that have at least as many inputs as the cell of that rank."""
    pool = np.flatnonzero(inputs >= np.sort(inputs)[-number])
    return np.sort(rng.choice(pool, number, replace=False))


def choose_members(
    network: EIAssemblyNetwork,
    odours: EIAssemblyOdours,
    *,
    seed: int,
    n_excitatory: int = 100,
    n_inhibitory: int = 25,
    inhibitory_by_odour: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Members of one assembly for each odour.

    Parameters
    ----------
    network : EIAssemblyNetwork
        Whose connections decide.
    odours : EIAssemblyOdours
        One memory each.
    seed : int
        Draws among cells with equal claims; every odour has a random stream of its own.
    n_excitatory, n_inhibitory : int
        Members of an assembly.
    inhibitory_by_odour : bool
        Choose I members by their inputs from the odour's activated mitral cells, not from the assembly's E members.

    Returns
    -------
    (numpy.ndarray [odour, n_excitatory], numpy.ndarray [odour, n_inhibitory])
        Neurons, E and I numbered from 0 each.

    Raises
    ------
    NetworkError
        If an assembly would need more neurons than there are, or an odour changes mitral cells that do not exist.
    """
    for wanted, there, name in (
        (n_excitatory, int(network.model.n_excitatory), "excitatory"),
        (n_inhibitory, int(network.model.n_inhibitory), "inhibitory"),
    ):
        if not 1 <= wanted <= there:
            raise NetworkError(f"an assembly of {wanted} {name} members: choose between 1 and the {there} there are")
    if len(odours) and odours.cell.max() >= network.model.n_mitral:
        raise NetworkError(
            f"the odours change mitral cell {odours.cell.max()}, but the network has {int(network.model.n_mitral)}; "
            "draw odours with its n_mitral"
        )
    o_e, o_i, e_i = (network.weights[name].tocsr() for name in ("o_e", "o_i", "e_i"))
    excitatory = np.empty((len(odours), n_excitatory), np.int64)
    inhibitory = np.empty((len(odours), n_inhibitory), np.int64)
    for odour, stream in enumerate(np.random.SeedSequence(seed).spawn(len(odours))):
        rng = np.random.default_rng(stream)
        activated = odours.activated(odour)
        excitatory[odour] = most_inputs(rng, _inputs(o_e, activated), n_excitatory)
        inputs = _inputs(o_i, activated) if inhibitory_by_odour else _inputs(e_i, excitatory[odour])
        inhibitory[odour] = most_inputs(rng, inputs, n_inhibitory)
    return excitatory, inhibitory


def _inputs(weights: Any, cells: np.ndarray) -> np.ndarray:
    return np.asarray(weights[cells].sum(axis=0)).ravel()


def add_assemblies(
    network: EIAssemblyNetwork,
    members: tuple[np.ndarray, np.ndarray],
    targets: Mapping[str, int],
    *,
    seed: int,
    strength: float | Sequence[float] = 1.0,
) -> EIAssemblyNetwork:
    """The network with further assemblies.

    Parameters
    ----------
    network : EIAssemblyNetwork
        Left as it is.
    members : (numpy.ndarray, numpy.ndarray)
        E and I members [assembly, member], as from `choose_members`.
    targets : mapping
        For some of ``"e_e"``, ``"i_e"``, ``"e_i"``: how many connections from within its assembly a member shall have.
    seed : int
        Draws connections; every assembly and pathway has a random stream of its own.
    strength : float or sequence of float, one for each assembly
        How strong an added connection is, 0 to 1: 1 moves whole connections, 0 none. What is taken away elsewhere has
        the same strength.

    Raises
    ------
    NetworkError
        If members do not exist or are not as many as those of earlier assemblies, or a target is no whole number or
        exceeds the members there are, or the inputs a neuron has; nothing is changed then.
    """
    if len(members) != 2:
        raise NetworkError("members must be a pair, excitatory and inhibitory ones, as choose_members gives them")
    excitatory, inhibitory = (np.asarray(part) for part in members)
    check_members(network.model, excitatory, inhibitory)
    number = len(excitatory)
    for old, new in ((network.excitatory_members, excitatory), (network.inhibitory_members, inhibitory)):
        if len(old) and old.shape[1] != new.shape[1]:
            raise NetworkError(f"new assemblies have {new.shape[1]} members, the network's {old.shape[1]}; use as many")
    strengths = np.asarray(strength, float)
    if strengths.shape not in ((), (number,)):
        raise NetworkError(f"strength must be one number or one for each of {number} assemblies, got {strengths.size}")
    strengths = np.broadcast_to(strengths, (number,))
    if not np.all((strengths >= 0) & (strengths <= 1)):
        raise NetworkError(f"strength must lie between 0 and 1, got {strengths.tolist()}")
    unknown = set(targets) - {"e_e", "i_e", "e_i"}
    if unknown:
        raise NetworkError(f"no target for {', '.join(sorted(unknown))}: only e_e, i_e and e_i can be enriched")
    for pathway, target in targets.items():
        if target != int(target) or target < 0:
            raise NetworkError(f"{pathway}: a target must be a whole number of inputs, not {target}")
    part = {"e": excitatory, "i": inhibitory}
    weights = dict(network.weights)
    pathways = np.random.SeedSequence(seed).spawn(3)
    for pathway, stream in zip(("e_e", "i_e", "e_i"), pathways, strict=True):
        if pathway not in targets:
            continue
        concerned, place = np.unique(part[pathway[2]], return_inverse=True)
        place = place.reshape(part[pathway[2]].shape)
        every = weights[pathway].T.tocsr()  # [postsynaptic, presynaptic]
        inputs = every[concerned].toarray().astype(np.float32)
        for assembly, own in enumerate(stream.spawn(number)):
            if strengths[assembly] > 0:
                _rewire(
                    np.random.default_rng(own), inputs, part[pathway[0]][assembly], place[assembly],
                    concerned, targets[pathway], np.float32(strengths[assembly]), pathway,
                )  # fmt: skip
        others = np.setdiff1d(np.arange(every.shape[0]), concerned)
        joined = scipy.sparse.vstack([every[others], scipy.sparse.csr_array(inputs)], format="csr")
        weights[pathway] = joined[np.argsort(np.concatenate([others, concerned]))].T.tocsr()
    old_e, old_i = network.excitatory_members, network.inhibitory_members
    return network.changed(
        weights=weights,
        excitatory_members=np.concatenate([old_e, excitatory]) if len(old_e) else excitatory,
        inhibitory_members=np.concatenate([old_i, inhibitory]) if len(old_i) else inhibitory,
    )


def _rewire(
    rng: np.random.Generator, inputs: np.ndarray, before: np.ndarray, after: np.ndarray,
    neurons: np.ndarray, target: int, strength: np.float32, pathway: str,
) -> None:  # fmt: skip
    member = np.zeros(inputs.shape[1], bool)
    member[before] = True
    for place in after:
        row = inputs[place]
        missing = target - int(np.count_nonzero(row[before]))
        if missing <= 0:
            continue
        outside = np.flatnonzero((row >= strength) & ~member)
        if missing > len(before) or missing > len(outside):
            raise NetworkError(
                f"{pathway}: {target} inputs from within an assembly are impossible for neuron "
                f"{neurons[place]}, which needs {missing} more of {len(before)} members "
                f"and has {len(outside)} inputs from outside to give up"
            )
        row[rng.choice(before, missing, replace=False)] += strength
        row[rng.choice(outside, missing, replace=False)] -= strength


def make_regime(
    network: EIAssemblyNetwork,
    members: tuple[np.ndarray, np.ndarray],
    regime: str,
    *,
    seed: int,
    strength: float | Sequence[float] = 1.0,
    scaling: float = SCALING,
    targets: Mapping[str, int] | None = None,
) -> EIAssemblyNetwork:
    """One of the four regimes of `REGIMES`; in ``"random"`` the members form pseudo-assemblies, with no rewiring.

    ``targets`` replaces those of the regime (family C takes 13 for E→I). In ``"scaled I"`` all I→E strengths are
    multiplied by ``scaling``.
    """
    if regime not in REGIMES:
        raise NetworkError(f"regime {regime!r} is not one of {', '.join(REGIMES)}")
    chosen = dict(REGIMES[regime] if targets is None else targets)
    if targets is None and "e_i" in chosen and network.model.probability_e_i <= 0.02:
        chosen["e_i"] = 13
    built = add_assemblies(network, members, chosen, seed=seed, strength=strength)
    if regime == "scaled I":
        built = built.changed(model=network.model.with_(strength_i_e=network.model.strength_i_e * scaling))
    return built
