"""The predicted curves: what a consolidation model says an experiment will find.

Every curve is a table that holds its own control condition. All protocols of a curve run in one batch.

A *neutral* memory is encoded at ``strength``; an *emotional event* is an Encode of a second trace, related to
the first through ``relatedness``, and a release of ``dose`` of ``modulator`` in the same moment. The control
session has the emotional event without its strength and without its release. The paradigm is behavioural
tagging (Moncada & Viola 2007, doi:10.1523/JNEUROSCI.1083-07.2007, in rats; Dunsmoor et al. 2015,
doi:10.1038/nature14106, in humans), after synaptic tagging (Frey & Morris 1997, doi:10.1038/385533a0).

Times are in seconds; strengths, doses and relatedness are dimensionless.
"""

from __future__ import annotations

from ..perception.curves import generalisation
from ..sensitivity import sensitivity
from .enhancement import proactive_enhancement, relatedness_response, retroactive_enhancement, salience_response
from .reconsolidation import reconsolidation_window

__all__ = [
    "generalisation", "proactive_enhancement", "reconsolidation_window", "relatedness_response",
    "retroactive_enhancement", "salience_response", "sensitivity",
]  # fmt: skip
