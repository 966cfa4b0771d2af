"""The package: numbers and bytes of the command, tables, errors with places, interruption, progress."""

import json
import math
import os
import signal
import threading
import time

import authstorm as az
import pytest
from conftest import CASCADE, SCENARIOS, command, files

SMALL = {"fleet.users": 30, "horizon": "4m"}
LINE = ["--set", "fleet.users=30", "--set", "horizon=4m", "--replications", "2", "--quiet"]


@pytest.fixture(scope="module")
def results():
    return az.run(CASCADE, set=SMALL, replications=2, progress=False)


@pytest.mark.sample
def test_a_run_writes_the_bytes_of_the_command(results, tmp_path):
    command("run", CASCADE, *LINE, "--out", tmp_path / "command")
    results.write(tmp_path / "python")
    assert files(tmp_path / "python") == files(tmp_path / "command")
    results.write(tmp_path / "python")  # The same again.
    with pytest.raises(az.PlaceError, match="holds other results"):
        az.run(CASCADE, set=SMALL, replications=1, progress=False).write(tmp_path / "python")


def test_a_sweep_writes_the_bytes_of_the_command(office):
    sweep = az.sweep(
        "office.toml", vary={"backend.limit[0].limit": "2..8/3", "backend.limit[0].window": ["10s", "20s"]},
        replications=3, seed=5, set={"horizon": "30s"}, progress=False,
    )
    command(
        "sweep", "office.toml", "--vary", "backend.limit[0].limit=2..8/3", "--vary", "backend.limit[0].window=10s,20s",
        "--replications", 3, "--seed", 5, "--set", 'horizon="30s"', "--quiet", "--out", "command",
    )
    sweep.write("python")
    assert files("python") == files("command")
    assert len(sweep) == 6 and sweep.page() == (office / "command/report.html").read_text()
    with pytest.raises(az.PlaceError, match="is there already"):
        sweep.write("python")


def test_a_search_writes_the_bytes_of_the_command(office):
    found = az.find(
        "office.toml", vary={"backend.limit[0].limit": "1..16"}, target="new.responses_429 == 0", share=0.8, confidence=0.8,
        progress=False,
    )
    command(
        "find", "office.toml", "--vary", "backend.limit[0].limit=1..16", "--target", "new.responses_429 == 0", "--share=80%",
        "--confidence=80%", "--quiet", "--out", "command",
    )
    found.write("python")
    assert files("python") == files("command")
    assert found.answer == json.loads((office / "command/find.json").read_text())
    # Poisson arrivals: 6 windows with 5 calls each in the mean. 81.1% of runs stay within 9 a window.
    assert int(found.enough) >= 9 > int(found.not_enough) and found.verdict in ("bracket", "neighbours")
    assert found.to_pandas()["fresh"].sum() > 50
    assert found.words[0] in found._repr_html_() or "enough" in found._repr_html_()


@pytest.mark.sample
def test_tables_are_tidy_and_pass_through_arrow(results):
    pandas = results.to_pandas()
    assert list(pandas.columns) == ["policy", "metric", "unit", "replication", "value"]
    summary = results.summary
    for name, policy in summary["policies"].items():
        for metric, values in policy["metrics"].items():
            rows = pandas[(pandas.policy == name) & (pandas.metric == metric)]
            assert list(rows.replication) == [0, 1] and set(rows.unit) == {values["unit"]}
            expected = [math.inf if value is None else value for value in values["values"]]
            assert list(rows.value) == expected, (name, metric)
    assert math.inf in list(pandas.value), "what does not happen within a run stays in its mean"
    polars, arrow = results.to_polars(), results.to_arrow()
    assert polars.shape == arrow.shape == pandas.shape == (len(results.metrics), 5)
    assert polars["value"].to_list() == arrow["value"].to_pylist() == results.metrics.column("value")
    assert results.mean("old", "false_sign_outs") == summary["policies"]["old"]["metrics"]["false_sign_outs"]["mean"]
    with pytest.raises(KeyError):
        results.metrics.column("no")


def test_stories_charts_and_the_page(results, tmp_path):
    told = command("explain", CASCADE, *LINE[:-1], "--policy", "old", "--session", "worst")
    assert results.story("worst", policy="old") == told == results.story()
    assert results.story(7, policy="new", replication=1).startswith("Session 7 under policy new, replication 1")
    assert results.chart("requests")._repr_svg_().startswith("<svg") and "requests" in results.charts
    html = results._repr_html_()
    assert "uPlot" in html and results.finding[0].split(" is ")[0] in html and "<iframe srcdoc=" in html
    for wrong, says in [
        (lambda: results.story(30), "no session 30; allowed: 0 to 29"),
        (lambda: results.story("best"), "no session 'best'"),
        (lambda: results.story(1, policy="other"), "no policy `other`; allowed: old, "),
        (lambda: results.story(1, replication=2), "no replication 2; allowed: 0 to 1"),
        (lambda: results.chart("other"), "no chart `other` of this run; allowed: requests, "),
        (lambda: results.mean("other", "requests_total"), "no policy 'other'"),
        (lambda: results.mean("old", "other"), "no metric 'other'"),
    ]:
        with pytest.raises(az.RequestError, match=says.replace("(", r"\(")):
            wrong()


@pytest.mark.sample
def test_errors_carry_the_place(tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text("version = 1\nname = \"wrong\"\nhorizon = \"1x\"\npolicies = [\"new\"]\n")
    with pytest.raises(az.ScenarioError) as caught:
        az.run(file)
    problem = next(problem for problem in caught.value.problems if problem.code == "E106")
    assert (problem.file, problem.line, problem.column) == (str(file), 3, 11)
    assert caught.value.line in (1, 3) and "horizon = \"1x\"" in str(caught.value)
    with pytest.raises(az.ScenarioError, match="did you mean `users`") as caught:
        az.run(CASCADE, set={"fleet.user": 3})
    assert (caught.value.file, caught.value.problems[0].what) == ("--set", "unknown key `user` in [fleet]")
    with pytest.raises(az.RequestError, match="the scenario lists no policy"):
        az.run(CASCADE, policies=["newest"])
    with pytest.raises(az.RequestError, match="strictly between 0 and 1"):
        az.find(CASCADE, vary={"fleet.users": "1..9"}, target="new.requests_total == 0", share=1.0)
    with pytest.raises(az.RequestError, match="2 keys to vary; allowed: one"):
        az.find(CASCADE, vary={"fleet.users": "1..9", "seed": "1..2"}, target="new.requests_total == 0")
    with pytest.raises(az.Error):
        az.sweep(CASCADE, vary={"fleet.users": "9..1/3"})
    with pytest.raises(az.StoppedError) as stopped:
        az.run(SCENARIOS / "zero-latency-loop.toml", progress=False)
    assert stopped.value.policy and stopped.value.chain and stopped.value.at_s >= 0.0


def test_a_run_is_interrupted_and_leaves_other_threads_free():
    beats = []
    stop = threading.Event()

    def beat():
        while not stop.wait(0.01):
            beats.append(time.monotonic())

    beating = threading.Thread(target=beat)
    beating.start()
    threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            az.run(CASCADE, replications=500, progress=False)
    finally:
        stop.set()
        beating.join()
    ended = time.monotonic()
    assert 0.9 < ended - began < 30.0
    # The lock of the interpreter was free: another thread went on while the run was under way.
    assert sum(began < beat < ended for beat in beats) > 20


def test_progress_moves_to_its_end(results, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, total, unit, leave):
            self.n, self.total, self.closed = 0, total, False
            bars.append(self)

        def update(self, more):
            assert more >= 0
            self.n += more

        def close(self):
            self.closed = True

    import tqdm.auto

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    again = az.run(CASCADE, set=SMALL, replications=2)
    assert [bar.closed for bar in bars] == [True] and bars[0].total == 8 and bars[0].n >= 8
    assert again.summary == results.summary


def test_an_error_in_progress_stops_the_run():
    def broken(done):
        raise RuntimeError("planted")

    from authstorm import _native

    study = _native.Study(CASCADE, [], None, 500, [], False)
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="planted"):
        study.run(0, broken)
    assert time.monotonic() - began < 30.0
