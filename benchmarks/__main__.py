"""``python -m benchmarks [--quick] [--out FILE.csv] [PART ...]``"""

from __future__ import annotations

import argparse
import csv
import datetime
import importlib
import sys
from pathlib import Path

from .measurement import Measurement, Skipped

PARTS = (
    "speed", "accuracy", "against_scipy", "against_fixed_step", "scaling", "start_up", "compile_time", "inference",
    "people", "perception", "network", "ei_assembly",
)  # fmt: skip
COLUMNS = ("benchmark", "quantity", "value", "unit", "command", "date")


def shown(measurement: Measurement) -> str:
    """One line of the table."""
    met = {None: "", True: "met", False: "MISSED"}[measurement.met]
    value = f"{measurement.value:.4g}"
    return f"{measurement.quantity:46} {value:>10}  {measurement.unit:17} {measurement.target:>9}  {met}".rstrip()


def write(path: Path, measurements: list[Measurement], command: str) -> None:
    """Write the results; those of parts that were not measured now are kept."""
    measured = {measurement.benchmark for measurement in measurements}
    rows: list[dict[str, object]] = []
    if path.exists():
        with path.open(newline="") as file:
            rows = [dict(row) for row in csv.DictReader(file) if row["benchmark"] not in measured]
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    for measurement in measurements:
        value = f"{measurement.value:.6g}"
        fields = (measurement.benchmark, measurement.quantity, value, measurement.unit, command, date)
        rows.append(dict(zip(COLUMNS, fields, strict=True)))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: list[str]) -> int:
    """Measure the parts asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and accuracy of the models.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a rough look, in about a minute; writes nothing")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results.csv"), metavar="FILE.csv")
    options = parser.parse_args(arguments)
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"unknown part {part!r}; use any of {', '.join(PARTS)}")
    parts = options.parts or PARTS
    measurements: list[Measurement] = []
    for number, part in enumerate(parts, start=1):
        module = importlib.import_module(f".{part}", __package__)
        print(f"\n[{number}/{len(parts)}] {part.replace('_', ' ')}", flush=True)
        try:
            for measurement in module.measure(quick=options.quick):
                measurements.append(measurement)
                print("  " + shown(measurement), flush=True)
        except Skipped as reason:
            print(f"  skipped: {reason}", flush=True)
    if not options.quick:
        write(options.out, measurements, " ".join(["python -m benchmarks", *arguments]))
        print(f"\nwritten to {options.out}")
    missed = [measurement for measurement in measurements if measurement.met is False]
    print(f"\n{len(missed)} targets missed" if missed else "\nall targets met")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
