"""Sections of the report whose numbers take long: computed by ``engram reproduce --thorough``, stored, and shown.

Those of the family ``NETWORKS`` simulate and rest on no fit: ``engram reproduce --networks`` computes them.

One section a file. Each computes tables from the fits of a report, piece by piece, and says what its tables show: a
sentence, figures drawn anew, tables and what would change the answer. The tables of the last thorough run lie in
``fits/stored``, from where every report shows them with the command, date, seed and versions that made them.

>>> from fits import sections
>>> [section.name for section in sections.SECTIONS][:2]
['profiles', 'influence']
"""

from . import (
    calibration,
    coverage,
    designs,
    ei_assembly,
    eight_hours,
    individual,
    influence,
    models,
    people,
    profiles,
    recovery,
    tag_and_capture,
    transfer,
    trials,
    vision,
)
from .section import Section

SECTIONS: tuple[Section, ...] = (
    profiles.SECTION,
    influence.SECTION,
    transfer.SECTION,
    recovery.SECTION,
    coverage.SECTION,
    models.SECTION,
    trials.SECTION,
    people.SECTION,
    calibration.SECTION,
    designs.SECTION,
    individual.SECTION,
    vision.SECTION,
    tag_and_capture.SECTION,
    eight_hours.SECTION,
    ei_assembly.SECTION,
)
