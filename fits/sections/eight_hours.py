"""Eight hours of the plastic network without skipping any, beside the closed form that skips them.

The run takes most of an hour, and is not repeated by the report: ``python -m benchmarks.eight_hours OUT`` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas

from ..wording import fixed
from . import tag_and_capture_figures as drawn
from .section import NETWORKS, Drawing, Listing, Piece, Section, Shown, Tables, Work

_LATE = "core late %"


def _pieces(work: Work) -> Sequence[Piece]:
    return []


def _show(tables: Tables) -> Shown:
    readouts = tables["readouts"].set_index("quantity")
    return Shown(
        says=_says(tables),
        explains="In the run every neuron takes every step of 0.2 ms for eight hours, with plasticity on; in the fast-"
        "forward all neurons are silent from 20 s until 5 s before recall, and early weights, tags, proteins and late "
        "weights follow in closed form. What differs is what background activity does to the synapses, and chance: "
        "the spikes of the two recalls are independent.",
        drawings=(
            Drawing("network-eight-hours", drawn.eight_hours_figure(tables["weights"], readouts),
                    "Mean weights of the network through eight hours simulated step by step; open circles: the "
                    "closed-form fast-forward from the same state at 20 s.", True),
        ),
        listings=(
            Listing("Before and at recall after eight hours", _cells(tables["readouts"]),
                    ("step by step", "fast-forward")),
            Listing("What the run took", _costs(tables["cost"]), ("value",)),
        ),
        change="One trial: the readouts of recall differ between trials by about half of Q (standard deviation of the "
        "authors' 50 trials .0155), so that one difference between run and fast-forward says little; the weights do.",
    )  # fmt: skip


def _says(tables: Tables) -> str:
    readouts, cost = tables["readouts"].set_index("quantity"), tables["cost"].set_index("quantity").value
    run, skipped = (float(readouts[column][_LATE]) for column in ("run", "skipped"))
    minutes = float(cost["processor time (s)"]) / 60
    return (f"Eight hours step by step took {minutes:.0f} min of one processor and {cost['peak memory (MB)']:.0f} MB. "
            f"Late weights within the assembly end at {fixed(run)} % of h₀, those of the closed-form fast-forward at "
            f"{fixed(skipped)} %; Q is {readouts.run['Q']:.3f} and {readouts.skipped['Q']:.3f}, mutual information "
            f"{readouts.run['mutual information (bit)']:.3f} and "
            f"{readouts.skipped['mutual information (bit)']:.3f} bit.")  # fmt: skip


def _cells(table: pandas.DataFrame) -> pandas.DataFrame:
    rows = [{"quantity": row["quantity"].replace("%", "(% of h₀)"), "step by step": f"{row['run']:.4g}",
             "fast-forward": f"{row['skipped']:.4g}"} for row in table.to_dict("records")]  # fmt: skip
    return pandas.DataFrame(rows)


def _costs(table: pandas.DataFrame) -> pandas.DataFrame:
    return pandas.DataFrame([{"quantity": row["quantity"], "value": f"{row['value']:.4g}"}
                             for row in table.to_dict("records")])  # fmt: skip


SECTION = Section("eight_hours", "Eight hours without skipping", _pieces, _show, NETWORKS,
                  command="python -m benchmarks.eight_hours OUT")  # fmt: skip
