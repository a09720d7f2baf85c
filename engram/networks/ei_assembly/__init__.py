"""The precisely balanced memory network of Meissner-Bernard, Zenke & Friedrich (eLife 2025, RP96303).

4 000 excitatory (E) and 1 000 inhibitory (I) neurons driven by the spikes of 1 500 mitral cells (O)::

    τ V̇ = (E_L − V) + [(g_OE + g_EE)(E_exc − V) + g_IE (E_inh − V) − w] / g_L
    τ_w ẇ = a (V − E_L) − w ;  w += b at a spike                    (E neurons only)
    ġ = −g / τ_syn ;  g += strength × weight at a presynaptic spike

Forward Euler, every step in this order: (1) V and w from old values; (2) refractory neurons are set to E_L; (3) a
neuron with V strictly above threshold spikes, and is not reset in that step; (4) it is clamped in the steps after,
for the refractory time; (5) w += b; (6) conductances decay by exp(−dt/τ_syn), then take this step's spikes, mitral
ones too. Units: mV, ms, nS, pA; times of a user's windows and durations are in seconds.

A memory is an assembly: E neurons with many inputs from an odour's activated mitral cells and the I neurons with many
inputs from those. Four regimes: `random`; `scaled I` (E→E connections inside assemblies enriched, all I→E strengths
raised); `tuned I` (E→E and I→E enriched); `tuned E+I` (E→E, I→E and E→I enriched).

References
----------
C. Meissner-Bernard, F. Zenke, R. W. Friedrich, eLife 2025, RP96303, doi:10.7554/eLife.96303.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "EIAssemblyModel": "parameters", "FAMILIES": "parameters",
    "EIAssemblyNetwork": "network", "NetworkError": "network",
    "random_network": "wiring",
    "REGIMES": "assemblies", "add_assemblies": "assemblies", "choose_members": "assemblies",
    "make_regime": "assemblies",
    "EIAssemblyOdours": "odours", "EIAssemblyInput": "odours", "draw_odours": "odours", "odour_blocks": "odours",
    "EIAssemblyRun": "simulation", "SpikeCapacityError": "simulation", "run": "simulation", "run_many": "simulation",
    "published_experiment": "experiment", "claims_table": "claims", "claim_parts": "claims",
    "compare_with_published": "summary", "capacity_experiment": "capacity", "capacity_limits": "capacity",
    "consolidation_experiment": "consolidation",
    "load_network": "published", "load_odours": "published", "load_input": "published", "load_strengths": "published",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
