"""Sweeps, searches and replications on many machines, distributed by Dask.

``python -m authstorm.dask SCENARIO --vary KEY=VALUES --out DIR`` gives the bytes of ``authstorm sweep``; with ``--target`` those of
``authstorm find``; without ``--vary`` those of ``authstorm run``, also with ``--precision``. Each point of a sweep is a task, and so is
each replication of a run. A search takes rounds, and so does a run with ``--precision``: what the runs so far show decides which the
next round asks the cluster for. A task whose worker dies is done again by another one.

Workers need this package in the same version, and no file: tasks bring the scenario with them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from typing import Any, Callable, Iterable, Mapping, NamedTuple, Optional, Sequence, Union

import authstorm as az
from authstorm import _native

__all__ = ["each", "find", "main", "run", "sweep"]

#: How often a task that fails is tried again. The death of its worker does not count.
RETRIES = 2


class Work(NamedTuple):
    """A scenario as tasks carry it, and what is to be done with it."""

    version: str
    scenario_hash: str
    #: The scenario with every setting, and its files, by name.
    copies: tuple[tuple[str, str], ...]
    policies: tuple[str, ...]
    #: The keys of a sweep and its design; empty for a search.
    vary: tuple[str, ...]
    design: str


class _Read(NamedTuple):
    """Some work, read in this process."""

    #: Holds the scenario and its files, which each value of a key reads again.
    folder: tempfile.TemporaryDirectory[str]
    study: _native.Study
    sweep: Optional[_native.Sweep]


_lock = threading.Lock()
#: What this process has read. A worker works on few scenarios at a time.
_studies: dict[Work, _Read] = {}


def _read(work: Work) -> _Read:
    """Reads some work, once in a process."""
    with _lock:
        if work not in _studies:
            if work.version != az.__version__:
                raise az.RequestError(
                    f"this worker has version {az.__version__} of authstorm, and the work is of {work.version}; "
                    "install one version everywhere"
                )
            folder = tempfile.TemporaryDirectory()
            for name, text in work.copies:
                with open(os.path.join(folder.name, name), "w", encoding="utf-8", newline="\n") as file:
                    file.write(text)
            scenario = os.path.join(folder.name, work.copies[0][0])
            study = _native.Study(scenario, [], None, None, list(work.policies), False)
            if study.scenario_hash != work.scenario_hash:
                raise az.RequestError("the scenario has another hash on this worker than where it was read")
            sweep = study.sweep(list(work.vary), work.design) if work.vary else None
            if len(_studies) >= 4:
                _studies.clear()
            _studies[work] = _Read(folder, study, sweep)
        return _studies[work]


def _row(number: int, work: Work) -> str:
    """The row of a point."""
    sweep = _read(work).sweep
    assert sweep is not None, "the work is a sweep"
    return sweep.row(number)


def _replicate(number: int, work: Work) -> str:
    """The row of a replication."""
    return _read(work).study.replicate(number)


def _share(number: int, work: Work, asked: _native.Asked, known: Sequence[str], of: int) -> list[str]:
    """The rows of a shard of the next round of a search."""
    return _read(work).study.find_share(asked, known, f"{number + 1}/{of}", 1)


def _same(value: Any) -> Any:
    """A value as the result of a task. Dask makes it again where it is lost, unlike a value that is only sent."""
    return value


def each(
    client: Any,
    function: Callable[..., Any],
    numbers: Sequence[int],
    take: Callable[[int, Any], None],
    **common: Any,
) -> None:
    """Does ``function(number, **common)`` for each number on the cluster, and gives each result to ``take`` as it comes.

    :param client: a ``distributed.Client``.
    :raises Exception: that of the first task that fails more often than :data:`RETRIES`; the others are cancelled.
    """
    from distributed import as_completed

    shared = {name: client.submit(_same, value, pure=False) for name, value in common.items()}
    futures = client.map(function, numbers, pure=False, retries=RETRIES, **shared)
    number_of = {future.key: number for future, number in zip(futures, numbers)}
    try:
        for future, result in as_completed(futures, with_results=True):
            take(number_of[future.key], result)
            future.release()
    except BaseException:
        client.cancel(futures)
        raise


def _nothing(done: int) -> None:
    """Shows no progress."""


def sweep(
    client: Any,
    scenario: az.Path,
    *,
    vary: Mapping[str, Union[str, Iterable[az.Value]]],
    design: str = "factorial",
    set: Optional[Mapping[str, az.Value]] = None,
    seed: Optional[int] = None,
    replications: Optional[int] = None,
    policies: Optional[Sequence[str]] = None,
    progress: Callable[[int], None] = _nothing,
) -> az.Sweep:
    """As :func:`authstorm.sweep`, on the workers of a ``distributed.Client``. ``progress`` gets the number of points that are done."""
    study = az._load(scenario, set, seed, replications, policies)
    options = az._options(scenario, set, seed, replications, policies)
    return _sweep(client, study, az._varied(vary), design, policies or (), options, progress)


def _sweep(
    client: Any,
    study: _native.Study,
    vary: Sequence[str],
    design: str,
    policies: Sequence[str],
    options: Sequence[str],
    progress: Callable[[int], None],
) -> az.Sweep:
    native = study.sweep(vary, design)
    work = _work(study, policies, vary, design)
    rows: dict[int, str] = {}

    def take(number: int, row: str) -> None:
        rows[number] = row
        progress(len(rows))

    each(client, _row, range(len(native)), take, work=work)
    line = [f"--vary={text}" for text in vary] + [f"--design={design}"] * (design != "factorial")
    return az.Sweep(native, [rows[number] for number in range(len(native))], ["--yes", *line, *options])


def run(
    client: Any,
    scenario: az.Path,
    *,
    set: Optional[Mapping[str, az.Value]] = None,
    seed: Optional[int] = None,
    replications: Optional[int] = None,
    policies: Optional[Sequence[str]] = None,
    precision: Sequence[str] = (),
    precision_floor: Optional[float] = None,
    max_replications: int = 1000,
    progress: Callable[[int], None] = _nothing,
) -> az.Results:
    """As :func:`authstorm.run`, with each replication on a worker of a ``distributed.Client``.

    :param precision: replicate until these are known, as in ``["new.requests_total=5%"]``, like ``authstorm run --precision``.
    :param precision_floor: half width of a mean that is enough however small the mean is, in the unit of the metric.
    :param max_replications: the most replications that ``precision`` runs.
    :param progress: gets the number of replications that are done.
    """
    study = az._load(scenario, set, seed, replications, policies)
    return _run(client, study, policies or (), (precision, precision_floor, max_replications), progress)


def _run(
    client: Any,
    study: _native.Study,
    policies: Sequence[str],
    precision: tuple[Sequence[str], Optional[float], int],
    progress: Callable[[int], None],
) -> az.Results:
    work = _work(study, policies, (), "")
    done = 0

    def replicate(begin: int, end: int) -> list[str]:
        rows: dict[int, str] = {}

        def take(number: int, row: str) -> None:
            nonlocal done
            rows[number] = row
            done += 1
            progress(done)

        each(client, _replicate, range(begin, end), take, work=work)
        return [rows[number] for number in range(begin, end)]

    widths, floor, most = precision
    if widths:
        return az.Results(study.run_to(widths, floor, most, replicate))
    return az.Results(study.results_of(replicate(0, study.replications)))


def find(
    client: Any,
    scenario: az.Path,
    *,
    vary: Mapping[str, str],
    target: str,
    largest: bool = False,
    share: float = 0.95,
    confidence: float = 0.95,
    tolerance: Optional[float] = None,
    fine: bool = False,
    set: Optional[Mapping[str, az.Value]] = None,
    seed: Optional[int] = None,
    progress: Callable[[int], None] = _nothing,
) -> az.Found:
    """As :func:`authstorm.find`, on the workers of a ``distributed.Client``. ``progress`` gets the number of runs that are done."""
    study = az._load(scenario, set, seed, None, None)
    asked = az._asked(vary, target, largest, share, confidence, tolerance, fine)
    return _find(client, study, asked, az._options(scenario, set, seed, None, None), progress)


def _find(
    client: Any,
    study: _native.Study,
    asked: _native.Asked,
    options: Sequence[str],
    progress: Callable[[int], None],
) -> az.Found:
    work = _work(study, (), (), "")
    known: list[str] = []
    while study.find_lacks(asked, known):
        shards = max(2, sum(client.nthreads().values()))
        found: dict[int, list[str]] = {}

        def take(number: int, rows: list[str], found: dict[int, list[str]] = found) -> None:
            found[number] = rows
            progress(len(known) + sum(len(rows) for rows in found.values()))

        each(client, _share, range(shards), take, work=work, asked=asked, known=list(known), of=shards)
        known += [row for number in range(shards) for row in found[number]]
    return az._found(study, asked, known, [*az._asked_options(asked), *options])


def _work(study: _native.Study, policies: Sequence[str], vary: Sequence[str], design: str) -> Work:
    copies = tuple(study.copies())
    return Work(az.__version__, study.scenario_hash, copies, tuple(policies), tuple(vary), design)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m authstorm.dask",
        description="Sweeps a scenario, with --target searches a value, or without --vary replicates, on the workers of a Dask cluster.",
    )
    add = parser.add_argument
    add("scenario", metavar="SCENARIO")
    add("--vary", action="append", default=[], metavar="KEY=VALUES", help="as of authstorm sweep, or of authstorm find")
    add("--out", required=True, metavar="DIR", help="the new directory for the results")
    add("--scheduler", metavar="ADDRESS", help="of a Dask scheduler [default: worker processes on this machine]")
    add("--workers", type=int, metavar="N", help="worker processes on this machine [default: one per core]")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the scenario")
    add("--seed", type=int, metavar="N")
    add("--replications", type=int, metavar="N", help="of a sweep or a run")
    add("--policy", action="append", default=[], metavar="NAME", help="of a sweep or a run: run only this policy")
    add("--precision", action="append", default=[], metavar="[NUMBER=]WIDTH", help="of a run: replicate until this is known")
    add("--precision-floor", type=float, metavar="WIDTH", help="of a run: half width that is enough however small the mean is")
    add("--max-replications", type=int, default=1000, metavar="N", help="of a run: the most that --precision runs")
    add("--design", default="factorial", help="of a sweep: factorial, or lhs:N")
    add("--target", metavar="CONDITION", help="search the smallest value at which runs meet this")
    add("--largest", action="store_true", help="of a search: the largest value")
    add("--share", type=float, default=0.95, help="of a search: share of runs that is to meet the target")
    add("--confidence", type=float, default=0.95, help="of a search: probability that the answer is right")
    add("--tolerance", type=float, help="of a search: distance of neighbouring values, as a share of the value")
    add("--fine", action="store_true", help="of a search: explore with 400 runs")
    add("--quiet", action="store_true", help="show no progress")
    return parser


def main(line: Optional[Sequence[str]] = None) -> int:
    """Runs the command line, and gives the exit code: 0 yes, 1 no value is shown to be enough, 2 bad input."""
    args = _arguments().parse_args(line)
    try:
        return _made(args)
    except az.StoppedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except az.Error as error:
        text = str(error)
        print(text if isinstance(error, az.ScenarioError) else f"error: {text}", file=sys.stderr)
        return 2


def _made(args: argparse.Namespace) -> int:
    from distributed import Client, LocalCluster

    if os.path.lexists(args.out):
        raise az.PlaceError(f"{args.out}: is there already; name a new directory")
    study = _native.Study(args.scenario, args.set, args.seed, args.replications, args.policy, False)
    options = [f"--policy={name}" for name in args.policy]
    options += [] if args.replications is None else [f"--replications={args.replications}"]
    options += [] if args.seed is None else [f"--seed={args.seed}"]
    options += [*(f"--set={pair}" for pair in args.set), "--", args.scenario]
    asked: Optional[_native.Asked] = None
    if args.target is not None:
        if len(args.vary) != 1:
            raise az.RequestError(f"{len(args.vary)} times --vary with --target; allowed: one")
        asked = {
            "vary": args.vary[0], "target": args.target, "largest": args.largest, "share": args.share,
            "confidence": args.confidence, "tolerance": args.tolerance, "fine": args.fine,
        }
        study.find_lacks(asked, [])
    total: Optional[int] = None
    if args.vary and asked is None:
        total = len(study.sweep(args.vary, args.design))
    elif not args.vary and not args.precision:
        total = study.replications
    if args.precision and (args.vary or args.replications is not None):
        raise az.RequestError("--precision goes with neither --vary nor --replications")
    cluster: Any = None
    if args.scheduler is None:
        workers = args.workers or os.cpu_count() or 1
        cluster = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0")
    client = Client(args.scheduler or cluster)
    move, end = az._bar(not args.quiet, total, "task" if asked is None else "run")
    made: Union[az.Sweep, az.Found, az.Results]
    try:
        if asked is not None:
            made = _find(client, study, asked, options, move or _nothing)
        elif args.vary:
            made = _sweep(client, study, args.vary, args.design, args.policy, options, move or _nothing)
        else:
            precision = (args.precision, args.precision_floor, args.max_replications)
            made = _run(client, study, args.policy, precision, move or _nothing)
    finally:
        end()
        client.close()
        if cluster is not None:
            cluster.close()
    made.write(args.out)
    if not args.quiet:
        print(f"results in {args.out}")
    if isinstance(made, az.Results):
        reached = made.summary.get("precision") or {"reached": True}
        return 0 if made.passes and reached["reached"] else 1
    shown = isinstance(made, az.Sweep) or made.verdict in ("bracket", "neighbours", "everywhere")
    return 0 if shown else 1


if __name__ == "__main__":
    sys.exit(main())
