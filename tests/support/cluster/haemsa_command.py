"""The command `haemsa` within this process: the same entry point, without the seconds that imports take."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TextIO
from unittest.mock import patch

from haemsa.cluster.commands.main import main


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence on standard error of a command that ended with status 2."""
        assert self.status == 2, (self.status, self.err, self.out)
        (line,) = self.err.splitlines()
        assert line.startswith("haemsa: "), line
        return line.removeprefix("haemsa: ")


def haemsa(*arguments: object, into: TextIO | None = None) -> Ran:
    """Run `haemsa` with these arguments. Standard output goes to `into`, if it is given."""
    out, err = io.StringIO(), io.StringIO()
    stdout = redirect_stdout(into or out)
    with patch.object(sys, "argv", ["haemsa", *map(str, arguments)]), stdout, redirect_stderr(err):
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
    return Ran(status, out.getvalue(), err.getvalue())
