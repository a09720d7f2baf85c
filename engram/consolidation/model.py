"""What every consolidation model is and can do: parameters, heterogeneity nodes, and running a protocol."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from ..neuromodulation import DOSE_RESPONSES, NEUROMODULATORS, Neuromodulator
from ..parameter import check_parameters, parameter, parameter_fields
from ..protocol import Protocol
from ..units import day, hour
from .batch import Batch
from .heterogeneity import RECOMMENDED_NODES, quadrature

if TYPE_CHECKING:
    import pandas

_SYNAPSE = "Luboeinski & Tetzlaff 2021, doi:10.1038/s42003-021-01778-y"
_SHOWN = ["early", "tag", "protein", "late", "labile", "eligibility", "competing", "strength"]
#: Numbers of a neuromodulator in the order in which kernels read them (see ``state``; the dose-response comes last).
MODULATOR_COLUMNS = (
    "clearance", "drive_weight", "drive_clearance", "encoding_gain", "conversion", "direction", "lability_gain",
    "synthesis_gate", "retrieval_gain", "dose_scale",
)  # fmt: skip
Self = TypeVar("Self", bound="ConsolidationModel")


class SimulationError(RuntimeError):
    """A kernel that could not reach its stated accuracy: the message says where and what to do."""


@dataclass(frozen=True, kw_only=True)
class ConsolidationModel:
    """Parameters that every consolidation model has. Times in seconds, everything else dimensionless."""

    tau_early: float = parameter(
        6884.0, unit="s", bounds=(60, 30 * day), symbol="τ_e", source=f"{_SYNAPSE}: 688.4 s / 0.1", verified=True,
        description="decay of the early phase",
    )  # fmt: skip
    tau_eligibility: float = parameter(
        300.0, unit="s", bounds=(0.1, 1 * day), symbol="τ_c", verified=False,
        source="inferred from Brzosko 2015, doi:10.7554/eLife.09685 (effective at <1, nearly gone at 10 min)",
        description="decay of eligibility",
    )  # fmt: skip
    tau_competing: float = parameter(
        14 * day, unit="s", bounds=(hour, 3650 * day), symbol="τ_q", source="assumed", verified=False,
        description="decay of a competing (extinction) trace",
    )  # fmt: skip
    durable_fraction: float = parameter(
        0.0, unit="1", bounds=(0, 1), symbol="b", source="absent from the synapse model: 0; fitted", verified=False,
        description="part of an encoding that goes straight to the late phase",
    )  # fmt: skip
    completion_midpoint: float = parameter(
        0.3, unit="1", bounds=(-2, 2), symbol="a_½", source="assumed", verified=False,
        description="strength at which a reminder completes half the pattern",
    )  # fmt: skip
    completion_slope: float = parameter(
        0.05, unit="1", bounds=(1e-3, 2), symbol="a_s", source="assumed", verified=False,
        description="width of pattern completion",
    )  # fmt: skip
    stimulation_gain: float = parameter(
        0.0, unit="1", bounds=(-10, 10), symbol="γ_tDCS", source="no quantitative source: zero", verified=False,
        description="encoding gain per unit of excitation-inhibition shift",
    )  # fmt: skip
    strength_spread: float = parameter(
        0.0, unit="1", bounds=(0, 2), symbol="σ_s", source="one synapse by default; fitted", verified=False,
        description="log-normal spread of encoding strengths over synapses",
    )  # fmt: skip
    weight_early: float = parameter(
        1.0, unit="1", bounds=(0, 100), symbol="w_e", source=f"{_SYNAPSE}: w = h + h_0 z", verified=True,
        description="weight of the early phase in the read-out",
    )  # fmt: skip
    weight_late: float = parameter(
        1.0, unit="1", bounds=(0, 100), symbol="w_z", source=f"{_SYNAPSE}: w = h + h_0 z", verified=True,
        description="weight of the late phase in the read-out",
    )  # fmt: skip
    forgetting_time: float = parameter(
        1 * day, unit="s", bounds=(60, 3650 * day), symbol="τ_f", source="assumed", verified=False,
        description="age at which forgetting in the read-out sets in",
    )  # fmt: skip
    forgetting_exponent: float = parameter(
        0.0, unit="1", bounds=(0, 5), symbol="ψ", source="no forgetting unless fitted", verified=False,
        description="power of forgetting in the read-out",
    )  # fmt: skip
    nodes: int = RECOMMENDED_NODES
    neuromodulators: tuple[Neuromodulator, ...] = field(default=NEUROMODULATORS, repr=False)

    label: ClassVar[str] = "model"
    # parameters that are the same in every study, and so are shared by a joint fit
    biology: ClassVar[tuple[str, ...]] = ()
    # what the kernel asks of every model and a model without capture has not
    _ABSENT: ClassVar[dict[str, float]] = dict(
        baseline_drive=0.0, sleep_drive=0.0, surprise_drive=0.0, surprise_clearance=hour, lability_time=1.0
    )
    _CAPTURES: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        check_parameters(self)
        if isinstance(self.nodes, bool) or not isinstance(self.nodes, int) or not 1 <= self.nodes <= 4096:
            raise ValueError(f"{type(self).__name__}(nodes={self.nodes!r}): give a whole number from 1 to 4096")
        names = [modulator.name for modulator in self.neuromodulators]
        if len(set(names)) != len(names) or not names:
            raise ValueError(f"{type(self).__name__}: neuromodulators must have distinct names, got {names}")

    @property
    def _kernel(self) -> Callable[..., Any]:
        raise TypeError(f"{type(self).__name__} is not a model that can run; use one of engram.MODELS")

    def _kernel_parameters(self) -> Any:
        raise TypeError(f"{type(self).__name__} is not a model that can run; use one of engram.MODELS")

    def _values(self, names: Any) -> list[Any]:
        switches = dict(
            releases_drive=self._CAPTURES, releases_convert=self._CAPTURES, destabilises=self._CAPTURES, **self._ABSENT
        )
        values = [getattr(self, name) if hasattr(self, name) else switches[name] for name in names._fields]
        kind = complex if any(isinstance(value, complex) for value in values) else float
        return [kind(value) for value in values]

    def with_(self: Self, **changes: Any) -> Self:
        """The same model with some parameters changed.

        >>> from engram import ThresholdCapture
        >>> ThresholdCapture().with_(tag_threshold=0.3).tag_threshold
        0.3
        """
        known = [f.name for f in parameter_fields(self)] + ["nodes", "neuromodulators"]
        for name in changes:
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; it has {', '.join(known)}")
        return replace(self, **changes)

    def quadrature(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard-normal scores and weights of the heterogeneity nodes, (nodes,) each; one node without spread."""
        return quadrature(self.nodes if self.strength_spread != 0 else 1)

    def simulate(self, batch: Batch) -> np.ndarray:
        """Run a batch of protocols; one output row per read.

        Parameters
        ----------
        batch : Batch
            Compiled for the same neuromodulators (names and receptors) as this model has.

        Returns
        -------
        numpy.ndarray, shape (rows, outputs)
            Columns as in ``engram.consolidation.OUTPUTS``; rows as in ``batch.rows``.

        Raises
        ------
        ValueError
            A batch compiled for other neuromodulators.
        SimulationError
            Where a kernel did not converge or a state is not finite.
        """
        bound = tuple((modulator.name, modulator.receptor) for modulator in self.neuromodulators)
        if batch.modulators != bound:
            raise ValueError(
                f"the batch was compiled for the neuromodulators {[name for name, _ in batch.modulators]} and the "
                f"model has {[name for name, _ in bound]}; compile it with Batch(protocols, model.neuromodulators)"
            )
        from .state import OUTPUTS

        return self._run_kernel(self._kernel_parameters(), self._modulator_table(), batch, len(OUTPUTS))

    def run_strengths(self, parameters: Any, modulators: np.ndarray, batch: Batch) -> np.ndarray:
        """As :meth:`strengths`, with other numbers for parameters and neuromodulators than the model's own, unchecked.

        For a fit, which runs one model with many numbers: start from :meth:`kernel_arguments` and change entries.
        """
        found: np.ndarray = self._run_kernel(parameters, modulators, batch, 1)[batch.tests, 0]
        return found

    def _run_kernel(self, parameters: Any, modulators: np.ndarray, batch: Batch, columns: int) -> np.ndarray:
        from .state import OK

        if not len(batch.timeline.kind):
            return np.zeros((len(batch.rows), columns))
        timeline = batch.timeline
        scores, weights = quadrature(self.nodes if parameters.strength_spread != 0 else 1)
        stepped = np.iscomplexobj(modulators) or np.iscomplexobj(timeline.value)
        kind = complex if stepped or not _COMPLEX.isdisjoint(map(type, parameters)) else float
        if kind is complex:
            parameters = type(parameters)(*map(complex, parameters))
            modulators = modulators.astype(kind, copy=False)
            timeline = timeline._replace(value=timeline.value.astype(kind, copy=False))
        out = np.zeros((len(batch.rows), columns), dtype=kind)
        status, protocol = self._kernel(parameters, modulators, timeline, scores, weights, out)
        if status != OK:
            raise SimulationError(
                f"{type(self).__name__}: protocol {protocol} of the batch did not reach machine precision with "
                f"{parameters}; check for time constants that lie very far apart"
            )
        if not np.isfinite(out).all():
            row = int(np.argwhere(~np.isfinite(out))[0, 0])
            raise SimulationError(
                f"{type(self).__name__}: protocol {batch.rows[row][0]}, trace {batch.rows[row][1]!r} at "
                f"{batch.rows[row][2]:g} s is not finite; check strengths, doses and parameters for extreme values"
            )
        return out

    def kernel_arguments(self) -> tuple[Any, np.ndarray]:
        """The model's parameters (a NamedTuple) and its neuromodulators, (modulators, ``MODULATOR_COLUMNS``)."""
        return self._kernel_parameters(), self._modulator_table()

    def strengths(self, batch: Batch) -> np.ndarray:
        """Strength (dimensionless) at every Test of a batch, in order: protocol by protocol, then in time."""
        from .state import STRENGTH

        return self.simulate(batch)[batch.tests, STRENGTH]

    def batch(self, protocols: Iterable[Protocol]) -> Batch:
        """Compile protocols for this model's neuromodulators."""
        return Batch(protocols, self.neuromodulators)

    def run(self, protocol: Protocol) -> Run:
        """Run one protocol; ask the returned :class:`Run` for strengths and tables."""
        if not isinstance(protocol, Protocol):
            raise TypeError(f"{protocol!r} is not a Protocol; write Protocol(Encode(...), ..., Test(...))")
        run = Run(self, protocol)
        Batch([protocol], self.neuromodulators)  # unknown modulators are reported now rather than at the first read
        return run

    def _modulator_table(self) -> np.ndarray:
        rows = [
            [
                *(getattr(modulator, name) for name in MODULATOR_COLUMNS),
                float(DOSE_RESPONSES.index(modulator.dose_response)),
            ]
            for modulator in self.neuromodulators
        ]
        return np.array(rows)


@dataclass(frozen=True, kw_only=True)
class CaptureModel(ConsolidationModel):
    """Parameters of the models in which proteins stabilise memories after encoding."""

    tau_protein: float = parameter(
        3600.0, unit="s", bounds=(60, 2 * day), symbol="τ_p", source=f"{_SYNAPSE}: 60 min", verified=True,
        description="time constant of proteins",
    )  # fmt: skip
    tau_late: float = parameter(
        3600.0, unit="s", bounds=(600, 10 * day), symbol="τ_z", source=f"{_SYNAPSE}: 60 min", verified=True,
        description="time constant of capture",
    )  # fmt: skip
    tau_labile: float = parameter(
        2 * hour, unit="s", bounds=(60, 30 * day), symbol="τ_ℓ", verified=False,
        source="assumed; up to 2 h suffices for no amnesia when synthesis is blocked from 6 h on (Nader 2000)",
        description="decay of labile strength",
    )  # fmt: skip
    lability_time: float = parameter(
        45.0, unit="s", bounds=(0.1, 1 * day), symbol="τ_λ", verified=False,
        source="assumed: most of a strong trace is lost where synthesis is blocked (Nader 2000)",
        description="duration of a wholly surprising reminder that frees 63 % of what it reaches",
    )  # fmt: skip
    baseline_drive: float = parameter(
        0.0, unit="1", bounds=(0, 100), symbol="m_0", source="zero by definition of the drive", verified=False,
        description="drive without release",
    )  # fmt: skip
    sleep_drive: float = parameter(
        0.0, unit="1", bounds=(0, 100), symbol="m_sleep", source="no quantitative source: zero", verified=False,
        description="drive added during sleep",
    )  # fmt: skip
    surprise_drive: float = parameter(
        4.0, unit="1", bounds=(0, 100), symbol="w_s", verified=False,
        source="assumed: a late strength up to 0.93 keeps 95 % after reactivation where synthesis is allowed",
        description="drive of a prediction error of 1",
    )  # fmt: skip
    surprise_clearance: float = parameter(
        3 * hour, unit="s", bounds=(1, 30 * day), symbol="τ_s", source="assumed", verified=False,
        description="clearance of the drive of a surprise",
    )  # fmt: skip
    ambient_activity: float = parameter(
        0.3, unit="1", bounds=(0, 10), symbol="s_0", verified=False,
        source="a property of the paradigm: about 0.3 where rescue is unselective, 0.1 where it is selective",
        description="ambient activity of the compartment that shares proteins",
    )  # fmt: skip

    _ABSENT: ClassVar[dict[str, float]] = {}
    _CAPTURES: ClassVar[float] = 1.0


_COMPLEX = {complex, np.complex128}
_SWITCHES = ("releases_drive", "releases_convert", "destabilises")


def kernel_parameters(name: str, model: type[ConsolidationModel], module: str) -> Any:
    """The NamedTuple class in which a model's parameters enter its kernels; to be kept at module level."""
    names = [f.name for f in parameter_fields(model)]
    names += [absent for absent in model._ABSENT if absent not in names]
    made = namedtuple(name, [*names, *_SWITCHES])  # type: ignore[misc]
    made.__module__ = module
    return made


@dataclass(frozen=True)
class Run:
    """One model on one protocol. Reads see the state after all events at their time."""

    model: ConsolidationModel
    protocol: Protocol

    def strength(self, trace: str, at: float) -> float:
        """Read-out strength (dimensionless) of a trace at a time (s).

        Raises ``ValueError`` for a trace that is not in the protocol or a negative or non-finite time, ``TypeError``
        where the model or the protocol holds a complex number.
        """
        self._check_trace(trace)
        table = self._read([at])
        index = self.protocol.traces.index(trace)
        from .state import STRENGTH

        if np.iscomplexobj(table):
            raise TypeError(
                "the model or the protocol holds a complex number; give real ones, or take a complex step with "
                "model.strengths(model.batch([protocol]))"
            )
        return float(table[index, STRENGTH])

    def table(self, times: Sequence[float]) -> pandas.DataFrame:
        """The state of every trace at each time (s).

        Returns
        -------
        pandas.DataFrame
            time (s), trace, early, tag, protein, late, labile, eligibility, competing, strength; means over synapses.
        """
        import pandas

        from .state import OUTPUTS

        if np.ndim(times) != 1:
            raise ValueError(f"cannot read at {times!r}; give a list of times in seconds, such as [0, 1 * hour]")
        values = self._read(list(times))
        traces = self.protocol.traces
        frame = pandas.DataFrame(values, columns=list(OUTPUTS))[_SHOWN]
        frame.insert(0, "time", np.repeat(times, len(traces)))
        frame.insert(1, "trace", list(traces) * len(times))
        return frame

    @property
    def tests(self) -> pandas.DataFrame:
        """What each Test read, before it acted as a reactivation: time (s), trace and the state as in ``table``."""
        import pandas

        from .state import OUTPUTS

        batch = Batch([self.protocol], self.model.neuromodulators)
        values = self.model.simulate(batch)[batch.tests]
        frame = pandas.DataFrame(values, columns=list(OUTPUTS))[_SHOWN]
        frame.insert(0, "time", [batch.rows[row][2] for row in batch.tests])
        frame.insert(1, "trace", [batch.rows[row][1] for row in batch.tests])
        return frame

    def _read(self, times: Sequence[float]) -> np.ndarray:
        for time in times:
            if not isinstance(time, (int, float, np.integer)) or not 0 <= time < np.inf:
                raise ValueError(f"cannot read at {time!r}; give times of zero or more seconds, such as 24 * hour")
        batch = Batch([self.protocol], self.model.neuromodulators, reads=times)
        extra = sorted(set(range(len(batch.rows))) - set(batch.tests))
        values = self.model.simulate(batch)[extra]
        # rows come in order of time: put them back into the order asked for
        order = np.argsort(times, kind="stable")
        n_traces = len(self.protocol.traces)
        out = np.empty_like(values)
        for position, index in enumerate(order):
            out[index * n_traces : (index + 1) * n_traces] = values[position * n_traces : (position + 1) * n_traces]
        return out

    def _check_trace(self, trace: str) -> None:
        if trace not in self.protocol.traces:
            raise ValueError(f"unknown trace {trace!r}; the protocol has {', '.join(self.protocol.traces) or 'none'}")
