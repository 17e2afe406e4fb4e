"""`haemsa watch`: a small server on the loopback address that only reads the run directory."""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from haemsa.cluster.report.page.live.feed import Feed
from haemsa.cluster.shared.files import to_json

HOST: Final = "127.0.0.1"
PORT: Final = 8642
_NAMES: Final = ("127.0.0.1", "localhost")
"""How a browser on this machine calls it. A page elsewhere that resolves its own name to this address is refused."""


def watch_run(
    run: Path, port: int = PORT, data: str | None = None, ablated: Path | None = None, model: Path | None = None
) -> int:
    """Serve the page of a search until Ctrl-C, while the search runs or after it. The page updates itself.

    Only this machine can reach it.

    Args:
        run: the run directory of the search.
        port: the port on the loopback address 127.0.0.1. 0: any free one.
        data: where the search's data is now, if it has moved.
        ablated: a folder of `haemsa ablate`.
        model: the folder of a model that `haemsa train` made of this search (None: one in the folder
            `models`).

    Returns:
        The exit status: 130 after Ctrl-C.

    Raises:
        ValueError: `run` holds no search, `model` is not of the search, or the port cannot be used.

    Example:
        >>> watch_run(Path("runs/planted"))  # doctest: +SKIP
    """
    with PageServer(Feed(run, data, ablated, model), port) as server:
        print(f"The page of {run} is at http://{HOST}:{server.port}/ (Ctrl-C ends this)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(f"\nThe page of {run} is no longer served; the search is not touched", flush=True)
            return 130
    return 0


class PageServer(ThreadingTCPServer):
    """Serves the page of one search. Raises ValueError if the port cannot be used."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, feed: Feed, port: int = 0) -> None:
        self.feed = feed
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no such port"
            raise ValueError(f"port {port} cannot be used: {reason}; choose another with --port") from None

    @property
    def port(self) -> int:
        """The port that is used."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: the browser has left, or the answer said what is wrong."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        """Answer with the page, with what changed, or with one network."""
        if (self.headers.get("Host") or "").split(":")[0] not in _NAMES:
            self._answer(HTTPStatus.FORBIDDEN, "this page is only for this machine", "text/plain")
            return
        address, feed = urlsplit(self.path), self.server.feed
        asked = {name: values[-1] for name, values in parse_qs(address.query).items()}
        try:
            if address.path == "/":
                self._answer(HTTPStatus.OK, feed.page(), "text/html")
            elif address.path == "/state":
                self._answer(HTTPStatus.OK, to_json(feed.news(_number(asked, "seen"))), "application/json")
            elif address.path == "/network" and (found := feed.network(_number(asked, "id"))) is not None:
                self._answer(HTTPStatus.OK, to_json(found), "application/json")
            else:
                self._answer(HTTPStatus.NOT_FOUND, f"there is nothing at {self.path}", "text/plain")
        except ValueError as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, str(error), "text/plain")

    def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Print nothing: a page asks every two seconds."""


def _number(asked: dict[str, str], name: str) -> int:
    text = asked.get(name, "0")
    if not text.isdigit():
        raise ValueError(f"{name} is {text!r}, expected a whole number")
    return int(text)
