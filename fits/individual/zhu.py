"""The path model of Zhu et al. 2022 (doi:10.7554/eLife.60190, Study 3), on its 28 participants.

Hippocampal connectivity (remembered minus forgotten) with the amygdala, the medial fusiform face area (mFFA) and the
object-sensitive lateral occipital cortex (sLOC), and high-confidence associative memory of aversive pairs. The file
has no header; its columns are inferred from the paper's figure of the mediation.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas

from ..trials import DATA_VARIABLE
from .path_model import PathError

EQUATIONS = {"mFFA": ("amygdala",), "sLOC": ("amygdala", "mFFA"), "memory": ("sLOC",)}
#: Published standardised effects with their p (read in the paper).
PUBLISHED = {"amygdala → mFFA → sLOC → memory": (0.19, 0.010), "amygdala → sLOC → memory": (0.20, 0.016)}
#: Published correlations with memory (read in the paper).
CORRELATIONS = {"mFFA": 0.57, "sLOC": 0.65, "amygdala": 0.24}
_COLUMNS = ("participant", "memory", "cortex", "amygdala", "mFFA", "sLOC")


def read_zhu(path: str | Path | None = None) -> pandas.DataFrame:
    """The participants, indexed by name: memory (share of 36 pairs), cortex (mFFA and sLOC), amygdala, mFFA, sLOC.

    Parameters
    ----------
    path : path, optional
        ``zhu_2022/sem/example_data.dat`` in the folder that ENGRAM_DATA names, by default.

    Raises
    ------
    PathError
        The file is not there, or not of six columns.
    """
    if path is None:
        if not os.environ.get(DATA_VARIABLE):
            raise PathError(f"the participants of Zhu 2022 are not at hand: set {DATA_VARIABLE} to the folder that "
                            "contains zhu_2022/")  # fmt: skip
        path = Path(os.environ[DATA_VARIABLE]) / "zhu_2022" / "sem" / "example_data.dat"
    try:
        table = pandas.read_csv(path, sep=r"\s+", header=None, encoding="utf-8-sig", dtype={0: str})
    except (OSError, ValueError) as error:
        raise PathError(f"{path}: cannot be read ({error}); check {DATA_VARIABLE} and the file") from None
    if table.shape[1] != len(_COLUMNS):
        raise PathError(f"{path}: has {table.shape[1]} columns; the file of Zhu 2022 has {len(_COLUMNS)}")
    return table.set_axis(list(_COLUMNS), axis=1).set_index("participant")
