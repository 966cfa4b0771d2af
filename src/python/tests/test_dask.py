"""The engine: the bytes of one machine, also where a worker is killed in the middle; and rounds of a search."""

import os
import signal

import authstorm as az
import authstorm.dask as engine
import pytest
from conftest import CASCADE, command, files
from distributed import Client, LocalCluster


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        yield client


VARY = "backend.limit[0].limit=1..40"


@pytest.mark.sample
def test_a_killed_worker_changes_no_byte(client, office):
    workers = client.run(os.getpid)
    assert len(workers) == 2
    killed = []

    def progress(done):
        if done >= 12 and not killed:
            killed.append(next(iter(workers.values())))
            os.kill(killed[0], signal.SIGKILL)

    sweep = engine.sweep(client, "office.toml", vary={"backend.limit[0].limit": "1..40"}, replications=20, progress=progress)
    assert killed and not {killed[0]} & set(client.run(os.getpid).values()), "a worker was killed, and another took its place"
    sweep.write("dask")
    command("sweep", "office.toml", "--vary", VARY, "--replications", 20, "--quiet", "--out", "one-machine")
    assert files("dask") == files("one-machine")


def test_a_search_asks_for_more_as_it_learns(client, office):
    asked = []
    found = engine.find(
        client, "office.toml", vary={"backend.limit[0].limit": "1..16"}, target="new.responses_429 == 0", share=0.8,
        confidence=0.8, progress=asked.append,
    )
    assert asked == sorted(asked) and len(asked) > 4, "two shards in each of several rounds"
    found.write("dask")
    command(
        "find", "office.toml", "--vary", "backend.limit[0].limit=1..16", "--target", "new.responses_429 == 0", "--share=80%",
        "--confidence=80%", "--quiet", "--out", "one-machine",
    )
    assert files("dask") == files("one-machine")


def test_replications_are_asked_for_until_they_are_enough(client, office):
    # Poisson with mean 30: a half width of 3% takes more than the 30 replications of the first look.
    asked = []
    results = engine.run(client, "office.toml", precision=["new.requests_total=3%"], progress=asked.append)
    results.write("dask")
    command("run", "office.toml", "--precision", "new.requests_total=3%", "--quiet", "--out", "one-machine")
    assert files("dask") == files("one-machine")
    looks = results.summary["precision"]["looks"]
    assert len(looks) > 1 and asked == list(range(1, looks[-1] + 1))
    line = ["office.toml", "--replications", "3", "--seed", "4", "--quiet"]
    assert engine.main([*line, "--out", "given", "--scheduler", client.scheduler.address]) == 0
    command("run", *line, "--out", "replications")
    assert files("given") == files("replications")
    with pytest.raises(az.RequestError, match="precision: "):
        engine.run(client, "office.toml", precision=["new.requests_total"])


def test_the_command_makes_a_cluster_or_takes_one(client, office, capsys):
    more = ["--vary", "backend.limit[0].limit=2,4", "--replications", "3", "--set", "horizon=30s", "--seed", "9"]
    line = ["office.toml", *more, "--quiet"]
    command("sweep", *line, "--out", "one-machine")
    assert engine.main([*line, "--out", "local", "--workers", "1"]) == 0
    address = client.scheduler.address
    assert engine.main([*line, "--out", "given", "--scheduler", address]) == 0
    assert files("local") == files("given") == files("one-machine")
    assert engine.main([*line, "--out", "given", "--scheduler", address]) == 2
    assert "given: is there already; name a new directory" in capsys.readouterr().err
    assert engine.main(["office.toml", "--vary", "fleet.user=1,2", "--out", "no"]) == 2
    assert "unknown key `user`" in capsys.readouterr().err
    assert not os.path.exists("no")


def test_policy_files_travel_with_the_work(client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("policies")
    text = CASCADE.read_text().replace("\npolicies = [", "\npolicy-files = [\"policies/own.toml\"]\npolicies = [\"own\", ", 1)
    (tmp_path / "mine.toml").write_text(text)
    own = (CASCADE.parent / "policies/not-429.toml").read_text().replace("not-429", "own", 1)
    (tmp_path / "policies/own.toml").write_text(own)
    sets = {"fleet.users": 20, "horizon": "150s"}
    sweep = engine.sweep(client, "mine.toml", vary={"fleet.users": [10, 20]}, set=sets, replications=2, policies=["own", "new"])
    sweep.write("dask")
    line = ["--set", "fleet.users=20", "--set", "horizon=\"150s\"", "--replications", 2, "--policy", "own", "--policy", "new"]
    command("sweep", "mine.toml", "--vary", "fleet.users=10,20", *line, "--quiet", "--out", "one-machine")
    assert files("dask") == files("one-machine")


def test_an_error_of_a_task_comes_back(client):
    # That of whichever point fails first.
    with pytest.raises(az.StoppedError, match="at fleet.users=[12]: livelock"):
        engine.sweep(client, CASCADE.parent / "zero-latency-loop.toml", vary={"fleet.users": [1, 2]}, replications=1)
