"""The ``engram`` command.

Nothing heavy is imported before a command needs it, so that ``engram --help`` answers at once. What a user can put
right ends in one sentence on standard error and exit code 2, with nothing written; an interrupt in exit code 130.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shlex
import signal
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import engram

from .option_types import natural, positive, share
from .people.options import candidate_options, people_options, recovery_options, refuse, refuse_recovery

if TYPE_CHECKING:
    from .study import Study

_OWN_PACKAGES = ("engram", "fits", "theory")


class CommandError(ValueError):
    """A command line that cannot be carried out: the message names the value and the remedy."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"engram: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    options.command_line = shlex.join(["engram", *given])
    _end_on_termination()
    try:
        code: int | None = options.run(options)
    except KeyboardInterrupt as interrupt:
        print(f"engram: interrupted; {str(interrupt) or 'nothing new was written'}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not _expected(error):
            raise
        print(f"engram: {_sentence(error)}", file=sys.stderr)
        return 2
    return code or 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="engram",
        description="Models of how emotion, novelty and reactivation decide which memories last.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"engram {engram.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True, parser_class=_Parser)

    command = commands.add_parser("reproduce", help="make every figure, table and the report", allow_abbrev=False)
    command.add_argument("--out", default="report", metavar="DIR", help="folder of the results (default: report)")
    command.add_argument("--quick", action="store_true", help="few starts, for a first look")
    command.add_argument(
        "--thorough",
        action="store_true",
        help="compute the long sections anew (tens of minutes) instead of showing stored results",
    )
    command.add_argument(
        "--networks",
        action="store_true",
        help="simulate the sections on spiking networks anew (tens of minutes) instead of showing stored results",
    )
    command.add_argument("--resume", action="store_true", help="go on with an interrupted --thorough or --networks run")
    _search_options(command)
    command.set_defaults(run=_reproduce)

    command = commands.add_parser("studies", help="list the shipped studies, or show one", allow_abbrev=False)
    command.add_argument("study", nargs="?", metavar="STUDY", help="identifier, or path of a .toml file")
    command.set_defaults(run=_studies)

    command = commands.add_parser("check", help="look over a study file of your own", allow_abbrev=False)
    command.add_argument("study", metavar="FILE", help="path of a .toml file, or identifier of a shipped study")
    command.set_defaults(run=_check)

    command = commands.add_parser("fit", help="fit models to one study, or jointly to several", allow_abbrev=False)
    _study_options(command)
    command.add_argument("--starts", type=positive, metavar="N", help="starts of each fit (default: 6)")
    command.add_argument("--priors", action="store_true", help="maximum a posteriori: the priors of files and biology")
    command.add_argument("--profiles", action="store_true", help="profile-likelihood intervals of every parameter")
    command.add_argument("--trials", nargs="?", const="", metavar="PATH",
                         help="fit raw trials: a table, a folder of events.tsv, or what ENGRAM_DATA holds; with "
                         "several studies they stand in for the results of the one that has [trials]")  # fmt: skip
    command.add_argument("--level", choices=("phase", "item"), help="timing of raw trials (default: phase)")
    command.add_argument("--missing", choices=("error", "drop", "separate"), help="what unanswered trials do")
    command.add_argument(
        "--skip-broken", action="store_true", help="leave out participants with a broken file, or who answered nothing"
    )
    command.add_argument("--participants", action="store_true", help="raw trials: every participant as well")
    people_options(command)
    command.set_defaults(run=_fit)

    command = commands.add_parser("recover", help="simulate and refit: what can be known", allow_abbrev=False)
    _study_options(command)
    command.add_argument("--n", type=positive, metavar="N",
                         help="simulations a model (default: 200; with --people 20, of each study)")  # fmt: skip
    command.add_argument("--spread", type=share, metavar="X",
                         help="how far truths lie from the fit, in widths of the search (default: 0.1); with --people, "
                         "how much people differ, on the scale of a logit (default: 0.5)")  # fmt: skip
    command.add_argument("--intervals", choices=("profile", "error"),
                         help="whose coverage is counted: profile likelihoods (slower; the default for one study with "
                         "fixed biology) or standard errors")  # fmt: skip
    recovery_options(command)
    command.set_defaults(run=_recover)

    command = commands.add_parser("design", help="what a planned experiment could tell", allow_abbrev=False)
    candidate_options(command)
    command.set_defaults(run=_design)

    command = commands.add_parser("predict", help="run a protocol and show its states", allow_abbrev=False)
    command.add_argument("model", metavar="MODEL")
    command.add_argument("protocol", metavar="PROTOCOL.toml")
    command.add_argument("--at", nargs="+", action="extend", default=[], metavar="TIME",
                         help='also show every trace at these times, such as "30 min"')  # fmt: skip
    command.add_argument("--out", metavar="FILE.csv", help="write the table to a file, times in seconds")
    command.set_defaults(run=_predict)

    command = commands.add_parser("cache", help="where compiled kernels are kept, and how large", allow_abbrev=False)
    command.add_argument("--clear", action="store_true", help="delete them; they are compiled again when needed")
    command.set_defaults(run=_cache)
    return parser


def _study_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("study", nargs="+", metavar="STUDY", help="identifier, or path of a .toml file")
    command.add_argument("--model", nargs="+", action="extend", required=True, metavar="M",
                         help="ThresholdCapture, LinearCapture, EncodingOnly; of vision VisualReactivation, "
                         "IntegratedReweighting, RewardReadout; several are compared")  # fmt: skip
    command.add_argument("--out", required=True, metavar="DIR", help="folder of the results")
    command.add_argument("--resume", action="store_true", help="go on where the same command was interrupted")
    command.add_argument("--seed", type=natural, default=1, metavar="N", help="seed of all chance (default: 1)")
    command.add_argument("--workers", type=positive, metavar="N", help="threads or processes (default: all processors)")
    biology = command.add_mutually_exclusive_group()
    free = "estimate time constants and gains, one value for all studies (default for several)"
    biology.add_argument("--free-biology", dest="free", action="store_true", default=None, help=free)
    fixed = "hold them at the model's defaults (default for one study)"
    biology.add_argument("--fixed-biology", dest="free", action="store_false", help=fixed)


def _search_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--starts", type=positive, metavar="N", help="starts of each fit (default: 6)")
    command.add_argument("--seed", type=natural, default=1, metavar="N", help="seed of the starts (default: 1)")
    command.add_argument("--workers", type=positive, metavar="N", help="threads or processes (default: all processors)")


def _reproduce(options: argparse.Namespace) -> None:
    from .commands import run_reproduce

    if options.resume and not (options.thorough or options.networks):
        raise CommandError(
            "--resume goes on with an interrupted --thorough or --networks run; add --thorough or --networks, "
            "or leave it out"
        )
    run_reproduce(options)


def _studies(options: argparse.Namespace) -> None:
    from .description import description
    from .study import load_study, shipped_studies

    if options.study is not None:
        print(description(load_study(_known_study(options.study))))
        return
    rows = []
    for name in shipped_studies():
        study = load_study(name)
        rows.append([study.id, study.species, study.paradigm, str(len(study.observations)), study.citation])
    _print_columns(["study", "species", "paradigm", "observations", "citation"], rows, [26, 16, 36, 12, 40])


def _check(options: argparse.Namespace) -> int:
    from .check import report

    text, errors = report(_known_study(options.study))
    print(text)
    return 2 if errors else 0


def _fit(options: argparse.Namespace) -> None:
    from .commands import run_fit, run_trials
    from .people.commands import run_people

    refuse(options)
    studies, models = _chosen(options)
    if options.trials is None:
        for name in ("participants", "people", "level", "missing", "skip-broken"):
            if getattr(options, name.replace("-", "_")):
                raise CommandError(f"--{name} is for raw trials; add --trials, or leave it out")
        run_fit(options, studies, models)
        return
    if len(studies) > 1:
        if options.level == "item" or options.participants or options.people:
            name = "participants" if options.participants else "people" if options.people else "level item"
            raise CommandError(f"--{name} works with one study; leave it out, or name the study of the trials alone")
        run_fit(options, studies, models)
        return
    for name in ("resume", "profiles", "priors"):
        if getattr(options, name) and not (name == "resume" and options.posterior):
            only = " alone; only chains of --posterior are kept" if name == "resume" else ""
            raise CommandError(f"--{name} does not work with --trials{only}; leave it out")
    options.level, options.missing = options.level or "phase", options.missing or "error"
    (run_people if options.people else run_trials)(options, studies[0], models)


def _recover(options: argparse.Namespace) -> None:
    from .commands import run_recover
    from .people.commands import run_recover_people

    refuse_recovery(options)
    (run_recover if options.people is None else run_recover_people)(options, *_chosen(options))


def _design(options: argparse.Namespace) -> None:
    from .people.commands import run_design

    run_design(options, *_chosen(options))


def _chosen(options: argparse.Namespace) -> tuple[list[Study], list[str]]:
    """The studies and models of a command line, each known and named once, with no number against another."""
    from .check import refuse_contradictions
    from .family import MODELS
    from .study import load_study

    known = [name for family in MODELS.values() for name in family]
    models = [_known_model(name, known) for name in options.model]
    _check_distinct("model", models, models)
    _check_distinct("study", [_known_study(name) for name in options.study], options.study)
    studies = [load_study(name) for name in options.study]
    _check_distinct("study", [study.id for study in studies], options.study)
    _check_families(studies, models)
    for study in studies:
        refuse_contradictions(study.path)
    return studies, models


def _check_families(studies: Sequence[Study], models: Sequence[str]) -> None:
    """Whether all models predict all studies."""
    from .family import MODELS, check_together

    check_together(studies)
    family = studies[0].family
    for name in models:
        if name not in MODELS[family]:
            raise CommandError(
                f"--model: {name} does not predict {studies[0].id}, a study of {family}; use one of "
                f"{', '.join(MODELS[family])}"
            )


def _predict(options: argparse.Namespace) -> None:
    from engram import consolidation
    from engram.units import format_time

    from .output_folder import write_table
    from .protocol_file import read_protocol, states

    at = [_time(text) for text in options.at]
    if options.out is not None and not options.out.endswith(".csv"):
        raise CommandError(f"--out: {options.out!r} does not end in .csv; name a table such as states.csv")
    file = read_protocol(options.protocol, _known_model(options.model, tuple(consolidation.MODELS)))
    if not any(type(event).__name__ == "Test" for event in file.protocol.events) and not at:
        raise CommandError(f"{options.protocol}: has no test; add one, or name times with --at, such as --at '24 h'")
    table = states(file, at)
    for name in file.unused:
        print(f"engram: {options.model} has no parameter {name}, which {options.protocol} sets", file=sys.stderr)
    if options.out is not None:
        write_table(options.out, table.to_csv(index=False, lineterminator="\n"))
        print(f"{len(table)} rows are in {options.out}")
        return
    shown = table.assign(time=table["time"].map(format_time))
    print(shown.to_string(index=False, float_format="{:.4f}".format))


def _cache(options: argparse.Namespace) -> None:
    from engram._jit import cache_directory, clear_cache

    root = cache_directory().parent
    size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) if root.is_dir() else 0
    if options.clear:
        print(f"{clear_cache() / 1e6:.1f} MB of compiled kernels deleted from {root}")
    else:
        print(f"{size / 1e6:.1f} MB of compiled kernels in {root}")


def _known_model(name: str, models: Sequence[str]) -> str:
    if name not in models:
        near = {known.lower(): known for known in models}
        found = difflib.get_close_matches(name.lower(), near, 1, 0.5)
        hint = f"did you mean {near[found[0]]}?" if found else f"use one of {', '.join(models)}"
        raise CommandError(f"unknown model {name!r}; {hint}")
    return name


def _known_study(name: str) -> str:
    from .study import shipped_studies

    if not name.endswith(".toml") and name not in shipped_studies():
        found = difflib.get_close_matches(name, shipped_studies(), 1)
        hint = f"did you mean {found[0]}?" if found else f"shipped are {', '.join(shipped_studies())}."
        raise CommandError(f"unknown study {name!r}; {hint} A study of your own is named by its .toml file")
    return name


def _check_distinct(what: str, names: Sequence[str], given: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            same = list(dict.fromkeys(word for word, own in zip(given, names, strict=True) if own == name))
            under = f" ({' and '.join(same)})" if len(same) > 1 else ""
            raise CommandError(f"the {what} {name!r} is given twice{under}; name each {what} once")


def _time(text: str) -> float:
    from engram.units import parse_time

    try:
        seconds = parse_time(text)
    except ValueError as error:
        raise CommandError(f"--at: {error}") from None
    if seconds < 0:
        raise CommandError(f"--at: {text!r} is negative; give a time after the start of the protocol")
    return seconds


def _print_columns(head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
    """A table whose long cells are broken over lines."""
    for row in [head, *rows]:
        cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells))):
            parts = [cell[line] if line < len(cell) else "" for cell in cells]
            print("  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip())


def _expected(error: Exception) -> bool:
    """Whether an error tells a user what to put right, rather than us."""
    from engram import SimulationError

    from .estimation import FitError

    if isinstance(error, (CommandError, FitError, SimulationError, OSError)):
        return True
    if not isinstance(error, ValueError):
        return False
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    module = str(last.tb_frame.f_globals.get("__name__", "")) if last is not None else ""
    return module.partition(".")[0] in _OWN_PACKAGES


def _sentence(error: Exception) -> str:
    from .output_folder import remedy

    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror.lower()}; {remedy(error)}"
    return " ".join(str(error).split())


def _end_on_termination() -> None:
    """Treat a request to terminate as an interrupt, so that nothing half-written stays behind."""

    def stop(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread
        pass


if __name__ == "__main__":
    sys.exit(main())
