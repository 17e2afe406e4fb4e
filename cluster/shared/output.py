"""Standard output and standard error on which no work depends: what cannot be shown never ends a command.

Characters that the encoding lacks are shown as others. When the terminal or the pipe is gone, output goes nowhere.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

_ERRORS: Final = "haemsa.plain"
_GONE: Final = (errno.EPIPE, errno.EIO)
"""The reader has closed the pipe, or the terminal was closed. Nobody misses what is not shown."""
_LINES: Final = dict.fromkeys("─━╌╴╶╸╺", "-") | dict.fromkeys("│┃", "|")
_CORNERS: Final = dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛┡┩┣┫┳┻╇╈╋", "+")
_LEVELS: Final = dict(zip("▁▂▃▄▅▆▇█", "12345678", strict=True))
_PLAIN: Final = _LINES | _CORNERS | _LEVELS | {"±": "+-", "·": "-", "•": "*", "↓": "v", "↑": "^"}


@contextmanager
def lasting_output() -> Iterator[None]:
    """While the block runs, writing to standard output and standard error raises nothing.

    Raises:
        OSError: At the end, if the output is incomplete for another reason than that its reader is gone, for example
            because the disk is full.
    """
    codecs.register_error(_ERRORS, plain)
    before, streams = (sys.stdout, sys.stderr), [_lasting(sys.stdout), _lasting(sys.stderr)]
    sys.stdout, sys.stderr = streams
    try:
        yield
    finally:
        for stream in streams:
            if stream is not None:  # it was closed when the process began
                stream.flush()
        sys.stdout, sys.stderr = before
        for raw in (getattr(getattr(stream, "buffer", None), "raw", None) for stream in streams):
            if isinstance(raw, _LastingFile) and raw.problem is not None:
                raise OSError(f"the output is incomplete: {raw.problem.strerror}") from None


def plain(error: UnicodeError) -> tuple[str, int]:
    """What is shown in place of characters that an encoding lacks, as `codecs.register_error` wants it.

    Example:
        >>> plain(UnicodeEncodeError("ascii", "3 ± 1", 2, 3, "not there"))
        ('+-', 3)
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_plain(sign) for sign in error.object[error.start : error.end]), error.end


def _plain(sign: str) -> str:
    """The character in ASCII. "?" if there is nothing like it."""
    without_accents = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return _PLAIN.get(sign) or without_accents or "?"


class _LastingFile(io.FileIO):
    """An open file that takes everything. After an error it is the null device, for child processes too."""

    problem: OSError | None = None

    def write(self, data: Any) -> int:
        """Write, and wait while the reader takes nothing."""
        try:
            while (written := super().write(data)) is None:
                select.select([], [self], [])
        except OSError as error:
            if error.errno not in _GONE:
                self.problem = error
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return memoryview(data).nbytes
        return int(written)


def _lasting(stream: TextIO) -> TextIO:
    """The stream, so that writing to it raises nothing. A stream in memory stays as it is."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    try:
        stream.flush()
        raw = _LastingFile(stream.fileno(), "w", closefd=False)
    except (OSError, ValueError):  # it is in memory, or closed
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=_ERRORS,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
