"""Errors of authstorm, each with the place of what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence

__all__ = ["Error", "PlaceError", "Problem", "RequestError", "ScenarioError", "StoppedError"]


class Error(Exception):
    """Any error of authstorm."""


class RequestError(Error, ValueError):
    """A request that cannot be carried out, such as an unknown policy or an empty range. The message says what is allowed."""


class PlaceError(Error, OSError):
    """A directory that cannot be written, or that holds something else."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a scenario file or a setting."""

    #: Kind of the error, such as ``E101``. A number never changes its meaning.
    code: str
    #: Name of the file, or of the setting: ``--set``, ``--vary``.
    file: str
    #: Line, from 1; ``None`` for an error about the whole file.
    line: Optional[int]
    #: Column, from 1, in characters.
    column: Optional[int]
    #: What is wrong, in words.
    what: str
    #: What was found.
    found: Optional[str]
    #: What is allowed.
    allowed: Optional[str]
    #: How to fix it.
    fix: Optional[str]


class ScenarioError(Error, ValueError):
    """A scenario that is not valid. The text has a picture of each place; ``problems`` has the places as data."""

    def __init__(self, message: str, problems: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        #: Everything that is wrong, in the order of the text.
        self.problems: list[Problem] = [Problem(**problem) for problem in problems]

    @property
    def file(self) -> Optional[str]:
        """File of the first problem."""
        return self.problems[0].file if self.problems else None

    @property
    def line(self) -> Optional[int]:
        """Line of the first problem, from 1."""
        return self.problems[0].line if self.problems else None

    @property
    def column(self) -> Optional[int]:
        """Column of the first problem, from 1."""
        return self.problems[0].column if self.problems else None


class StoppedError(Error, RuntimeError):
    """A guard has stopped a run: a livelock, or more events or memory than are allowed."""

    def __init__(
        self,
        message: str,
        policy: Optional[str] = None,
        replication: Optional[int] = None,
        at_s: float = 0.0,
        chain: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        #: Policy of the run.
        self.policy = policy
        #: Replication of the run, from 0.
        self.replication = replication
        #: Virtual time of the last event, in seconds.
        self.at_s = at_s
        #: The last events before the stop, newest first.
        self.chain: list[str] = list(chain)
