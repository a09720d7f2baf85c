"""From memory strength to response: what an experimenter measures, one response type a file.

Every response type is a frozen dataclass of parameters with three methods: ``predict(strength)``,
``log_likelihood(observed, strength, n)`` and ``simulate(strength, n, rng)`` (see :class:`Response`). A new
one is one new file in this folder and one import line below; ``RESPONSES`` finds it under its ``kind``.

>>> from engram.recall import RESPONSES
>>> sorted(RESPONSES)
['choice', 'confidence', 'field_potential', 'free_recall', 'freezing']
"""

from .choice import AssociativeChoice as AssociativeChoice
from .confidence import OrderedConfidence as OrderedConfidence
from .field_potential import FieldPotential as FieldPotential
from .free_recall import Recall as Recall
from .freezing import Freezing as Freezing
from .response import Response as Response

#: Every response type imported above, under its ``kind``.
RESPONSES: dict[str, type[Response]] = {
    response.kind: response
    for response in tuple(globals().values())
    if isinstance(response, type) and issubclass(response, Response) and response is not Response
}
