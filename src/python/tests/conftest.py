"""What several tests need: the root of the repository, and the command."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCENARIOS = ROOT / "scenarios"
CASCADE = SCENARIOS / "touch-429-cascade.toml"
OFFICE = """version = 1
name = "office"
horizon = "1m"
policies = ["new"]
[[workload]]
name = "pollers"
starts = { exponential = "2s" }
every = { exponential = "2s" }
[[backend.limit]]
kind = "fixed-window"
endpoints = ["generic"]
key = "global"
limit = 1
window = "10s"
"""


def command(*line, cwd=None, code=0):
    """Runs the command: the build that AUTHSTORM_BIN names, else that of the package."""
    binary = os.environ.get("AUTHSTORM_BIN")
    start = [str(ROOT / binary)] if binary else [sys.executable, "-m", "authstorm"]
    done = subprocess.run([*start, *map(str, line)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout


def files(folder):
    """The bytes of every file, by name."""
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


@pytest.fixture
def office(tmp_path, monkeypatch):
    """A folder with a small scenario, which is the current one."""
    (tmp_path / "office.toml").write_text(OFFICE)
    monkeypatch.chdir(tmp_path)
    return tmp_path
