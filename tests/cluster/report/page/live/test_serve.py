"""`haemsa watch`: the page, what changed in it, and one network, served on this machine only."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from haemsa.cluster.report.page.live.feed import Feed
from haemsa.cluster.report.page.live.serve import PageServer
from haemsa.cluster.report.page.parts import Parts
from haemsa.cluster.run_directory.rows import RungOutcome
from haemsa.cluster.run_directory.run_directory import RunDirectory
from haemsa.evo.candidate import Score
from tests.support.cluster.haemsa_command import haemsa
from tests.support.cluster.html_reader import Reader
from tests.support.cluster.made_run import end_run, made_run

Ask = Callable[[str], Any]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A search of 12 genomes, of which 2 wait."""
    return made_run(tmp_path / "run", 10, 4, failed=1, pending=2)


@pytest.fixture
def ask(run: Path) -> Iterator[Ask]:
    """What the server of the search answers: text, or the values of JSON."""
    with PageServer(Feed(run, worked=lambda: 0.0)) as server:  # what takes no time need not rest
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

        def answer(address: str) -> Any:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/{address}", timeout=20) as reply:
                text = reply.read().decode()
                return json.loads(text) if reply.headers.get_content_type() == "application/json" else text

        yield answer
        server.shutdown()


def record(run: Path, number: int, mae: float) -> None:
    """The search gets the scores of a candidate that waited."""
    with RunDirectory.open(run) as directory:
        directory.journal.record([RungOutcome(number, {"mae": Score(mae), "params": Score(10.0)}, 3)])


def test_the_page_asks_for_news_and_gets_only_what_changed(run: Path, ask: Ask) -> None:
    seen = Reader(ask("")).state["seen"]
    first = ask(f"state?seen={seen}")
    assert {"lines", "at_work"} <= set(first["html"])  # they take long, so they follow
    assert "lead" not in first["html"]
    again = ask(f"state?seen={first['seen']}")
    assert again == {"seen": first["seen"], "html": {}, "plots": {}}
    record(run, 10, 0.01)
    news = ask(f"state?seen={first['seen']}")
    assert news["seen"] > first["seen"]
    assert "The best network so far reaches MAE 0.01" in news["html"]["lead"]
    assert {"lead", "state", "front", "network", "generations"} <= set(news["html"])
    assert not {"workers", "failures", "next"} - {"workers"} & set(news["html"])
    assert {"front", "best"} <= set(news["plots"])
    (front,) = [trace for trace in news["plots"]["front"]["plots"][0]["data"] if trace["name"] == "front"]
    assert front["customdata"] == [10]


def test_a_page_of_an_earlier_server_gets_everything(ask: Ask) -> None:
    news = ask("state?seen=99999999999999")
    assert {"lead", "front", "lines"} <= set(news["html"])


def test_at_the_end_all_parts_follow_at_once(run: Path, ask: Ask) -> None:
    seen = ask("state?seen=0")["seen"]
    record(run, 10, 0.01)
    end_run(run, 3, (3, 5))
    news = ask(f"state?seen={seen}")
    assert news["html"]["state"] == ""
    assert "trained again from scratch" in news["html"]["lines"]
    assert "growth" in news["plots"]


def test_any_network_is_drawn_when_it_is_asked_for(ask: Ask) -> None:
    found = ask("network?id=3")
    assert "<b>candidate 3</b>" in found["words"]
    assert found["drawing"].startswith("<svg")


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("network?id=999", 404, "there is nothing at /network?id=999"),
        ("state?seen=now", 500, "seen is 'now', expected a whole number"),
        ("../journal.sqlite", 404, "there is nothing at /../journal.sqlite"),
    ],
)
def test_other_addresses_are_refused_in_a_sentence(ask: Ask, address: str, status: int, words: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(address)
    assert (refused.value.code, refused.value.read().decode()) == (status, words)


def test_a_page_of_another_name_cannot_read_it(run: Path) -> None:
    with PageServer(Feed(run)) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        asked = urllib.request.Request(f"http://127.0.0.1:{server.port}/state", headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=20)
        assert (refused.value.code, server.server_address[0]) == (403, "127.0.0.1")


def test_what_takes_long_rests_while_the_search_runs(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, worked, made = [0.0], [0.0], list[float]()

    def slow(*_: object) -> Any:
        made.append(now[0])
        now[0] += 12.0  # beside a search on all cores
        worked[0] += 3.0
        return Parts()

    monkeypatch.setattr("haemsa.cluster.report.page.live.feed.slow_parts", slow)
    feed = Feed(run, clock=lambda: now[0], worked=lambda: worked[0])
    feed.news(0)
    record(run, 10, 0.01)
    feed.news(0)
    now[0] += 61
    feed.news(0)
    record(run, 11, 0.01)
    end_run(run, 3)
    feed.news(0)
    assert made == [0.0, 73.0, 85.0]


def test_ctrl_c_ends_it_with_one_line(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PageServer, "serve_forever", interrupted)
    ran = haemsa("watch", run, "--port", 0)
    first, _, second = ran.out.splitlines()  # after ^C the terminal has not begun a new line
    assert (ran.status, ran.err) == (130, "")
    assert first.startswith(f"The page of {run} is at http://127.0.0.1:")
    assert second == f"The page of {run} is no longer served; the search is not touched"


def test_a_port_that_is_taken_or_none_is_refused_in_a_sentence(run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = haemsa("watch", run, "--port", port).sentence
    assert sentence == f"port {port} cannot be used: Address already in use; choose another with --port"
    assert "port 99999 cannot be used: no such port" in haemsa("watch", run, "--port", 99999).sentence


def test_a_folder_without_a_search_is_refused_in_a_sentence(tmp_path: Path) -> None:
    assert "holds no search" in haemsa("watch", tmp_path).sentence
