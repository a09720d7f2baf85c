"""What the commands about people are told; nothing heavy is imported here."""

from __future__ import annotations

import argparse

from ..option_types import natural, positive, share, size


def people_options(command: argparse.ArgumentParser) -> None:
    """Of ``engram fit --trials``."""
    command.add_argument("--people", action="store_true",
                         help="raw trials: the population and every person in it, by empirical Bayes")  # fmt: skip
    command.add_argument("--covariates", nargs="+", metavar=("FILE", "COLUMN"),
                         help="with --people: a table with a column participant (or participant_id), and which of its "
                         "columns count (all by default)")  # fmt: skip
    command.add_argument("--draws", type=natural, metavar="N",
                         help="with --people: weighted draws of each person at a time, a power of 2 from 16 on "
                         "(default: 128); 0 for Laplace's approximation alone")  # fmt: skip
    command.add_argument("--posterior", nargs="?", const=500, type=positive, metavar="DRAWS",
                         help="with --people: sample the posterior as well, so many draws (500) of each of four "
                         "chains (needs engram[posterior])")  # fmt: skip


def recovery_options(command: argparse.ArgumentParser) -> None:
    """Of ``engram recover``."""
    command.add_argument("--people", type=positive, metavar="N",
                         help="simulate N people who differ and answer every test once, and fit all of them with every "
                         "model")  # fmt: skip


def refuse_recovery(options: argparse.Namespace) -> None:
    """``ValueError`` where options of a recovery do not go together."""
    if options.people is None:
        return
    if options.intervals is not None or options.free is not None:
        name = "--intervals" if options.intervals is not None else "--free-biology and --fixed-biology"
        raise ValueError(f"{name} does not work with --people, whose fits hold the biology; leave it out")
    if options.people < 2:
        raise ValueError(f"--people is {options.people}; a population needs two or more")


def refuse(options: argparse.Namespace) -> None:
    """``ValueError`` where options about people do not go together."""
    for name in ("covariates", "draws", "posterior"):
        if getattr(options, name) is not None and not options.people:
            raise ValueError(f"--{name} is for people; add --people, or leave it out")
    if options.people and options.participants:
        raise ValueError("--participants fits people one by one and --people together; choose one")
    if options.people and options.free is not None:
        raise ValueError("--free-biology and --fixed-biology do not work with --people, whose fits hold the biology; "
                         "leave them out")  # fmt: skip
    if options.people and options.starts:
        raise ValueError("--starts does not work with --people, which begins at the study's start values; leave it out")


def candidate_options(command: argparse.ArgumentParser) -> None:
    """Of ``engram design``."""
    command.add_argument("study", nargs="+", metavar="STUDY", help="candidates: paths of .toml files, or identifiers")
    command.add_argument("--model", nargs="+", action="extend", required=True, metavar="M",
                         help="ThresholdCapture, LinearCapture, EncodingOnly; several are told apart")  # fmt: skip
    command.add_argument("--out", required=True, metavar="DIR", help="folder of the results")
    command.add_argument("--answers", type=positive, default=1, metavar="N",
                         help="of one person to each test (default: 1)")  # fmt: skip
    command.add_argument("--lures", type=natural, metavar="N",
                         help="answers of one person to new items (default: as many as to old ones)")  # fmt: skip
    command.add_argument("--spread", type=size, default=0.5, metavar="X",
                         help="how much people differ, on the scale of a logit (default: 0.5, assumed)")  # fmt: skip
    command.add_argument("--half-width", type=share, default=0.1, metavar="X",
                         help="of the interval wanted, in widths of the bounds (default: 0.1)")  # fmt: skip
