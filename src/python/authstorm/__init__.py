"""authstorm simulates auth retry storms: client policies against a rate-limited authentication backend, in virtual time.

>>> import authstorm as az
>>> r = az.run("scenarios/healthy.toml", set={"fleet.users": 20}, replications=2)
>>> r.metrics.columns
['policy', 'metric', 'unit', 'replication', 'value']

Runs release the interpreter's lock, use all cores, and stop at Ctrl-C. The same scenario, settings and version give the same
numbers as the command ``authstorm``, and the same bytes where a directory is written.
"""

from __future__ import annotations

import csv as _csv
import html as _html
import io as _io
import json as _json
import os as _os
import subprocess as _subprocess
import sys as _sys
import tempfile as _tempfile
import warnings as _warnings
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence, Union

from authstorm import _native
from authstorm._native import Table, __version__
from authstorm.errors import Error, PlaceError, Problem, RequestError, ScenarioError, StoppedError

__all__ = [
    "Error", "Found", "PlaceError", "Problem", "RequestError", "Results", "ScenarioError", "StoppedError", "Sweep", "Table",
    "__version__", "find", "run", "sweep",
]

#: A path.
Path = Union[str, "_os.PathLike[str]"]
#: A value of a key: a number, a truth value, a text as a scenario writes it (``"5/s"``, ``"1m"``), or a list or table of such.
Value = Union[bool, int, float, str, Sequence[Any], Mapping[str, Any]]


def _toml(value: Value) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return "[" + ", ".join(_toml(item) for item in value) + "]"


def _settings(pairs: Optional[Mapping[str, Value]]) -> list[str]:
    return [f"{key}={_toml(value)}" for key, value in (pairs or {}).items()]


def _varied(vary: Mapping[str, Union[str, Iterable[Value]]]) -> list[str]:
    """``KEY=LO..HI/STEPS`` or ``KEY=A,B,C``."""

    def text(values: Union[str, Iterable[Value]]) -> str:
        if isinstance(values, str):
            return values
        return ",".join(value if isinstance(value, str) else _toml(value) for value in values)

    return [f"{key}={text(values)}" for key, values in vary.items()]


def _bar(progress: bool, total: Optional[int], unit: str) -> tuple[Optional[Callable[[int], None]], Callable[[], None]]:
    """A progress bar of tqdm: what moves it, and what ends it."""
    if not progress:
        return None, lambda: None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None, lambda: None
    bar = tqdm(total=total, unit=unit, leave=False)

    def move(done: int) -> None:
        bar.update(done - bar.n)

    return move, bar.close


def _load(
    scenario: Path,
    set: Optional[Mapping[str, Value]],
    seed: Optional[int],
    replications: Optional[int],
    policies: Optional[Sequence[str]],
    all_sessions: bool = False,
) -> _native.Study:
    study = _native.Study(scenario, _settings(set), seed, replications, list(policies or ()), all_sessions)
    for warning in study.warnings:
        _warnings.warn(warning, stacklevel=3)
    return study


def _options(
    scenario: Path,
    set: Optional[Mapping[str, Value]],
    seed: Optional[int],
    replications: Optional[int],
    policies: Optional[Sequence[str]],
) -> list[str]:
    """The command line of the same work."""
    line = [f"--policy={name}" for name in policies or ()]
    line += [] if replications is None else [f"--replications={replications}"]
    line += [] if seed is None else [f"--seed={seed}"]
    line += [f"--set={pair}" for pair in _settings(set)]
    return [*line, _os.fspath(scenario)]


def _command(verb: str, options: Sequence[str], rows: Iterable[tuple[int, str]], out: Path) -> None:
    """Writes what the command ``verb`` writes, from rows that have been made."""
    with _tempfile.TemporaryDirectory() as folder:
        file = _os.path.join(folder, "rows.jsonl")
        with open(file, "w", encoding="utf-8", newline="\n") as lines:
            lines.writelines(f"{number} {row}\n" for number, row in rows)
        line = [_sys.executable, "-m", "authstorm", verb, f"--rows={file}", f"--out={_os.fspath(out)}", "--quiet", *options]
        done = _subprocess.run(line, capture_output=True, text=True)
    # 1: the answer of a search is no.
    if done.returncode not in (0, 1) or (done.returncode == 1 and not _os.path.isdir(out)):
        raise PlaceError(done.stderr.strip().removeprefix("error: ") if hasattr(str, "removeprefix") else done.stderr)


class _Tabular:
    """What has a main table."""

    def _table(self) -> Table:
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table().__arrow_c_stream__(requested_schema)

    def to_arrow(self) -> Any:
        """The table as ``pyarrow.Table``, through the Arrow C interface."""
        import pyarrow

        return pyarrow.table(self._table())

    def to_pandas(self) -> Any:
        """The table as ``pandas.DataFrame``, through the Arrow C interface (needs pyarrow). Infinity stands for what does not
        happen within the run, so that a mean is not taken of what is left."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """The table as ``polars.DataFrame``, through the Arrow C interface."""
        import polars

        return polars.DataFrame(self._table())


class Chart:
    """A chart, which a notebook draws."""

    def __init__(self, name: str, svg: str) -> None:
        #: Its name, such as ``requests``.
        self.name = name
        #: The picture as SVG text.
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<authstorm chart {self.name}: {len(self.svg)} bytes of SVG>"


class Story(str):
    """The story of a session as text."""

    def _repr_html_(self) -> str:
        return f"<pre>{_html.escape(self)}</pre>"


def _frame(page: str, height: int) -> str:
    """A page within a notebook. The page fetches nothing."""
    return (
        f'<iframe srcdoc="{_html.escape(page, quote=True)}" width="100%" height="{height}" '
        'sandbox="allow-scripts allow-downloads" style="border: 1px solid #ccc"></iframe>'
    )


class Results(_Tabular):
    """The results of a run: every metric of every policy in every replication."""

    def __init__(self, native: _native.Results) -> None:
        self._native = native
        self._summary: dict[str, Any] = _json.loads(native.summary())
        self._metrics: Optional[Table] = None

    def _table(self) -> Table:
        return self.metrics

    @property
    def metrics(self) -> Table:
        """A row for each policy, metric and replication: ``policy``, ``metric``, ``unit``, ``replication`` (from 0), ``value``
        (in that unit; infinity for a time that does not come within the run)."""
        if self._metrics is None:
            self._metrics = self._native.metrics()
        return self._metrics

    @property
    def summary(self) -> dict[str, Any]:
        """summary.json: means, 95% confidence intervals, comparisons, verdicts."""
        return self._summary

    @property
    def finding(self) -> list[str]:
        """What the runs show, in sentences, the gravest harm first."""
        return self._native.finding()

    @property
    def verdicts(self) -> list[str]:
        """A line for each expectation of the scenario."""
        return self._native.verdicts()

    @property
    def passes(self) -> bool:
        """Whether every expectation passes, as ``authstorm check`` judges."""
        return self._native.passes()

    @property
    def charts(self) -> list[str]:
        """Names of the charts that show something."""
        return self._native.charts()

    def mean(self, policy: str, metric: str) -> float:
        """Mean of a metric over the replications, in the unit of the metric; infinity if it does not come within some run.

        :raises RequestError: if there is no such policy or metric.
        """
        found = self._summary["policies"].get(policy)
        if found is None:
            raise RequestError(f"no policy {policy!r}; allowed: {', '.join(self._summary['policies'])}")
        values = found["metrics"].get(metric)
        if values is None:
            raise RequestError(f"no metric {metric!r}; allowed: {', '.join(found['metrics'])}")
        return float("inf") if values["mean"] is None else float(values["mean"])

    def chart(self, name: str) -> Chart:
        """A chart by name, such as ``requests`` or ``sign-outs``.

        :raises RequestError: if this run has no such chart; the message lists those it has.
        """
        return Chart(name, self._native.chart(name))

    def story(
        self, session: Union[int, str] = "worst", policy: Optional[str] = None, replication: Optional[int] = None
    ) -> Story:
        """What happened to a session, what caused it, and which rule of its policy decided.

        :param session: the number of a session, from 0, or ``"worst"``.
        :param policy: the policy; without it, that of the worst session of all.
        :param replication: the replication, from 0; without it, that of the worst session.
        """
        if session != "worst" and not isinstance(session, int):
            raise RequestError(f"no session {session!r}; allowed: a number, or \"worst\"")
        number = session if isinstance(session, int) else None
        return Story(self._native.story(number, policy, replication))

    def write(self, out: Path, force: bool = False) -> None:
        """Writes the directory that ``authstorm run --out`` writes, with the same bytes.

        :raises PlaceError: if the place holds something else, or cannot be written.
        """
        self._native.write(out, force)

    def page(self) -> str:
        """report.html: one page with words, interactive charts, tables and stories; it fetches nothing."""
        return self._native.page()

    def __repr__(self) -> str:
        return f"<authstorm results of {self._summary['scenario']}: " + "; ".join(self.finding) + ">"

    def _repr_html_(self) -> str:
        words = "".join(f"<li>{_html.escape(sentence)}</li>" for sentence in self.finding)
        return f"<ul>{words}</ul>" + _frame(self.page(), 640)


class Sweep(_Tabular):
    """A map: every policy at every point of a design."""

    def __init__(self, native: _native.Sweep, rows: Sequence[str], options: Sequence[str]) -> None:
        self._native = native
        self._rows = list(rows)
        self._options = list(options)

    def _table(self) -> Table:
        return self.cells

    def __len__(self) -> int:
        """Number of points."""
        return len(self._rows)

    @property
    def cells(self) -> Table:
        """A row for each point, policy and metric: ``point`` (from 0), the keys, ``policy``, ``metric``, ``unit``, ``mean``,
        ``ci_low`` and ``ci_high`` (ends of the 95% interval, for this cell alone), ``replications``."""
        return self._native.table(self._rows, False)

    @property
    def values(self) -> Table:
        """As ``cells``, with a row for each ``replication`` (from 0) and its ``value``."""
        return self._native.table(self._rows, True)

    def write(self, out: Path) -> None:
        """Writes the directory that ``authstorm sweep --out`` writes, with the same bytes.

        :raises PlaceError: if the place exists or cannot be written.
        """
        _command("sweep", self._options, enumerate(self._rows), out)

    def page(self) -> str:
        """report.html of the sweep: one picks a metric and reads each cell."""
        with _tempfile.TemporaryDirectory() as folder:
            out = _os.path.join(folder, "sweep")
            self.write(out)
            with open(_os.path.join(out, "report.html"), encoding="utf-8") as file:
                return file.read()

    def __repr__(self) -> str:
        return f"<authstorm sweep of {', '.join(self._native.keys)}: {len(self)} points>"

    def _repr_html_(self) -> str:
        return _frame(self.page(), 640)


class Found(_Tabular):
    """The answer of a search: a value that is shown to be enough, and one that is shown not to be."""

    def __init__(self, answer: str, words: Sequence[str], curve: str, rows: Sequence[str], options: Sequence[str]) -> None:
        self._answer: dict[str, Any] = _json.loads(answer)
        self._rows = list(rows)
        self._options = list(options)
        #: The answer in sentences.
        self.words: list[str] = list(words)
        #: The values that were looked at, as rows of curve.csv.
        self.curve: list[dict[str, str]] = list(_csv.DictReader(_io.StringIO(curve)))

    @property
    def answer(self) -> dict[str, Any]:
        """find.json."""
        return self._answer

    @property
    def verdict(self) -> str:
        """``bracket``, ``neighbours``, ``everywhere``, ``nowhere``, ``not-decided``, ``not-monotone`` or ``vacuous``."""
        return str(self._answer["verdict"])

    @property
    def enough(self) -> Optional[str]:
        """The value that is shown to be enough, as a scenario writes it."""
        claim = self._answer["enough"]
        return None if claim is None else str(claim["value"])

    @property
    def not_enough(self) -> Optional[str]:
        """The value that is shown not to be enough, as a scenario writes it."""
        claim = self._answer["not-enough"]
        return None if claim is None else str(claim["value"])

    def _table(self) -> Table:
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_arrow(self) -> Any:
        """The values that were looked at, as ``pyarrow.Table``."""
        import pyarrow

        def typed(name: str, text: str) -> Any:
            if name == "value" or text == "":
                return text if name == "value" else None
            return float(text)

        rows = [{name: typed(name, text) for name, text in row.items()} for row in self.curve]
        return pyarrow.Table.from_pylist(rows)

    def to_polars(self) -> Any:
        """The values that were looked at, as ``polars.DataFrame``."""
        import polars

        return polars.DataFrame(self.to_arrow())

    def write(self, out: Path) -> None:
        """Writes the directory that ``authstorm find --out`` writes, with the same bytes.

        :raises PlaceError: if the place exists or cannot be written.
        """
        _command("find", self._options, enumerate(self._rows), out)

    def __repr__(self) -> str:
        return "<authstorm answer: " + " ".join(self.words[:1]) + ">"

    def _repr_html_(self) -> str:
        return "<ul>" + "".join(f"<li>{_html.escape(sentence)}</li>" for sentence in self.words) + "</ul>"


def run(
    scenario: Path,
    *,
    set: Optional[Mapping[str, Value]] = None,
    seed: Optional[int] = None,
    replications: Optional[int] = None,
    policies: Optional[Sequence[str]] = None,
    all_sessions: bool = False,
    threads: int = 0,
    progress: bool = True,
) -> Results:
    """Runs a scenario under each of its policies.

    :param scenario: the file.
    :param set: keys to override, as in ``{"fleet.users": 500, "horizon": "10m"}``. Durations and rates are texts.
    :param seed: instead of the scenario's.
    :param replications: instead of the scenario's.
    :param policies: run only these, in this order.
    :param all_sessions: keep every session instead of the worst 100 of each policy.
    :param threads: 0 for one per core. Results do not depend on it.
    :param progress: show a bar if tqdm is installed.
    :raises ScenarioError: if the scenario or a setting is not valid.
    :raises RequestError: if a policy is unknown.
    :raises StoppedError: if a guard stops a run.
    """
    study = _load(scenario, set, seed, replications, policies, all_sessions)
    move, end = _bar(progress, study.replications * len(study.policies), "run")
    try:
        return Results(study.run(threads, move))
    finally:
        end()


def sweep(
    scenario: Path,
    *,
    vary: Mapping[str, Union[str, Iterable[Value]]],
    design: str = "factorial",
    set: Optional[Mapping[str, Value]] = None,
    seed: Optional[int] = None,
    replications: Optional[int] = None,
    policies: Optional[Sequence[str]] = None,
    threads: int = 0,
    progress: bool = True,
) -> Sweep:
    """Runs a scenario at every combination of the values of some keys.

    :param vary: keys and their values: a list, as in ``{"backend.limit[0].rate": ["5/s", "10/s"]}``, or a range with a number of
        steps, as in ``{"fleet.users": "50..500/10"}``.
    :param design: ``factorial``, or ``lhs:N`` for N points of a Latin hypercube.

    The other parameters, and the errors, are those of :func:`run`.
    """
    study = _load(scenario, set, seed, replications, policies)
    varied = _varied(vary)
    native = study.sweep(varied, design)
    move, end = _bar(progress, len(native), "point")
    try:
        rows = native.rows(threads, move)
    finally:
        end()
    options = [f"--vary={text}" for text in varied] + [f"--design={design}"] * (design != "factorial")
    return Sweep(native, rows, ["--yes", *options, *_options(scenario, set, seed, replications, policies)])


def find(
    scenario: Path,
    *,
    vary: Mapping[str, str],
    target: str,
    largest: bool = False,
    share: float = 0.95,
    confidence: float = 0.95,
    tolerance: Optional[float] = None,
    fine: bool = False,
    set: Optional[Mapping[str, Value]] = None,
    seed: Optional[int] = None,
    threads: int = 0,
    progress: bool = True,
) -> Found:
    """Searches the smallest value of a key at which a share of runs meets a target, and confirms the answer on fresh seeds.

    :param vary: one key and its range, as in ``{"backend.limit[0].limit": "10..2000"}``.
    :param target: what a run is to meet, as in ``"new.false_sign_outs == 0"``.
    :param largest: search the largest value instead.
    :param share: share of runs that is to meet the target, between 0 and 1.
    :param confidence: probability that the whole answer is right, between 0 and 1.
    :param tolerance: distance of neighbouring values as a share of the value, such as 0.01.
    :param fine: explore with 400 runs instead of 100, for a narrower bracket.

    The other parameters, and the errors, are those of :func:`run`.
    """
    study = _load(scenario, set, seed, None, None)
    asked = _asked(vary, target, largest, share, confidence, tolerance, fine)
    move, end = _bar(progress, None, "run")
    try:
        _, _, rows = study.find(asked, threads, move)
    finally:
        end()
    return _found(study, asked, rows, [*_asked_options(asked), *_options(scenario, set, seed, None, None)])


def _asked(
    vary: Mapping[str, str],
    target: str,
    largest: bool,
    share: float,
    confidence: float,
    tolerance: Optional[float],
    fine: bool,
) -> _native.Asked:
    if len(vary) != 1:
        raise RequestError(f"{len(vary)} keys to vary; allowed: one")
    return {
        "vary": _varied(vary)[0], "target": target, "largest": largest, "share": share, "confidence": confidence,
        "tolerance": tolerance, "fine": fine,
    }


def _asked_options(asked: _native.Asked) -> list[str]:
    """The options of ``authstorm find`` that ask the same."""
    line = [f"--vary={asked['vary']}", f"--target={asked['target']}"]
    line += [f"--share={asked['share']!r}", f"--confidence={asked['confidence']!r}"]
    line += [] if asked["tolerance"] is None else [f"--tolerance={asked['tolerance']!r}"]
    return line + ["--largest"] * asked["largest"] + ["--fine"] * asked["fine"]


def _found(study: _native.Study, asked: _native.Asked, rows: Sequence[str], options: Sequence[str]) -> Found:
    answer, curve, words = study.find_in_words(asked, rows)
    return Found(answer, words, curve, rows, options)
