"""``python -m fits.simulated OUT``: sections of the report on networks, people and designs, computed and stored alone.

They rest on no fit of the report: the numbers are those of ``engram reproduce --networks`` and ``--thorough``. What is
finished is kept beside OUT; the same command goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from .reproduce import provenance
from .sections import SECTIONS
from .sections.section import NETWORKS, PEOPLE, QUICK, Sizes
from .storage import Checkpoint, task_of
from .thorough import write_simulated


def main(arguments: list[str] | None = None) -> None:
    """Simulate, and store each section in a folder of OUT."""
    names = [section.name for section in SECTIONS if section.family in (NETWORKS, PEOPLE) or section.alone]
    parser = argparse.ArgumentParser(prog="python -m fits.simulated", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--section", choices=names, help="only this one (default: those on networks)")
    parser.add_argument("--quick", action="store_true", help="fewer trials")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int)
    options = parser.parse_args(arguments)
    networks = [section.name for section in SECTIONS if section.family == NETWORKS]
    chosen = networks if options.section is None else [options.section]
    sizes = QUICK if options.quick else Sizes()
    command = f"python -m fits.simulated {options.out}"
    for word, given in (("section", options.section), ("quick", options.quick), ("seed", options.seed != 1)):
        command += f" --{word}" + (f" {getattr(options, word)}" if word != "quick" else "") if given else ""
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out.with_name(f"{options.out.name}.partial.jsonl")
    task = task_of((), (), seed=options.seed, sizes=dataclasses.asdict(sizes), sections=chosen)
    checkpoint = Checkpoint(kept, task, resume=kept.exists())
    try:
        made = provenance(command, 0, options.seed, options.workers)
        missing = write_simulated(options.out, made, sizes, checkpoint, chosen)
        checkpoint.remove()
        if missing:
            raise SystemExit("\n".join(f"{name} cannot be computed: {reason}" for name, reason in missing.items()))
    finally:
        checkpoint.close()


if __name__ == "__main__":
    main()
