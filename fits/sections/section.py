"""What a section of the report is: how its tables are computed, and what they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas
from matplotlib.figure import Figure

from ..estimation import Fit
from ..study import MEMORY, VISION, Study

Tables = Mapping[str, pandas.DataFrame]
NETWORKS = "networks"  # family of the sections that simulate networks and rest on no study
PEOPLE = "people"  # family of those on people, which rest on raw trials and simulations, not on the report's fits
RAW_TRIALS = "hennings_2021"  # the study whose trials PEOPLE rest on
FITTED = (MEMORY, VISION)  # families of the sections that rest on fits of studies


@dataclass(frozen=True)
class Sizes:
    """How much of each section is computed."""

    joint_starts: int = 16
    transfer_starts: int = 2
    recovered: int = 40  # simulations of each model whose parameters are recovered
    compared: int = 5  # of these, fitted from more starts as well
    covered: int = 40  # simulations of each study whose profile intervals are held against the truth
    confused: int = 20  # simulations of each model that all models are fitted to
    ranked: int = 100  # truths whose place among draws of the sampler is found, and populations that are estimated
    designs: int = 10  # simulations of people for each design and model
    visual_starts: int = 12  # of each fit to the studies of vision
    visual_recovered: int = 40  # simulations whose visual parameters are recovered
    network_trials: int = 5  # of every simulated network that has chance in it
    assembly_networks: int = 2  # of the E/I-assembly network, in all four regimes
    assembly_controls: int = 1  # of these, with the control networks as well
    assembly_simple: int = 1  # networks whose E and I neurons are alike
    assembly_odours: int = 8  # networks that are held against the published ones
    assembly_capacity: int = 2  # networks to which memories are added
    assembly_consolidated: int = 3  # networks whose assemblies follow consolidation traces
    assembly_trajectories: int = 4  # through the mixtures
    individual_permutations: int = 1000  # of a prediction from connectomes
    individual_cohorts: int = 20  # of every number of people of its power curve


QUICK = Sizes(joint_starts=2, transfer_starts=1, recovered=10, compared=1, covered=4, confused=4, designs=2, ranked=4,
              visual_starts=4, visual_recovered=6, network_trials=1, assembly_networks=1, assembly_controls=0,
              assembly_simple=0, assembly_odours=1, assembly_capacity=0, assembly_consolidated=1,
              assembly_trajectories=1, individual_permutations=99, individual_cohorts=4)  # fmt: skip


@dataclass(frozen=True)
class Work:
    """What sections are computed from."""

    joint: tuple[Fit, ...]
    separate: Mapping[str, tuple[Fit, ...]]
    studies: tuple[Study, ...]
    visual: tuple[Study, ...]
    sizes: Sizes
    seed: int
    workers: int | None

    def joint_of(self, model: str) -> Fit:
        return next(one for one in self.joint if one.model == model)


@dataclass(frozen=True)
class Piece:
    """A part of a section that is computed, and kept, as one.

    Attributes
    ----------
    weight : float
        Its share of the time, in seconds on a slow day: for the time left.
    steps : int
        How often ``compute`` calls its second argument.
    """

    name: str
    weight: float
    steps: int
    compute: Callable[[Work, Callable[[int], None]], dict[str, pandas.DataFrame]]


@dataclass(frozen=True)
class Drawing:
    """A figure of a section."""

    name: str
    figure: Figure
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Listing:
    """A table as the page prints it: cells of text; those of ``numeric`` columns are aligned to the right."""

    title: str
    cells: pandas.DataFrame
    numeric: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Shown:
    """What a section's tables show.

    Attributes
    ----------
    says : str
        One plain sentence, computed from the tables.
    explains : str
        How to read it.
    change : str
        What would change the answer.
    """

    says: str
    explains: str
    drawings: tuple[Drawing, ...]
    listings: tuple[Listing, ...]
    change: str


@dataclass(frozen=True)
class Section:
    """One section of the report.

    Attributes
    ----------
    pieces : callable
        The pieces that some work has; none where the section does not apply. ``ValueError`` where it would apply and
        something is missing, such as raw data: the message says what.
    show : callable
        From the tables of all pieces, each with those of the same name joined, to what they show.
    """

    name: str
    title: str
    pieces: Callable[[Work], Sequence[Piece]]
    show: Callable[[Tables], Shown]
    family: str = MEMORY  # of the studies that its numbers rest on, or NETWORKS or PEOPLE
    command: str = ""  # that computes it, where the report does not
    alone: bool = False  # whether it rests on studies and not on the report's fits of them

    @property
    def again(self) -> str:
        """The command that computes it anew."""
        return self.command or f"engram reproduce --{NETWORKS if self.family == NETWORKS else 'thorough'}"
