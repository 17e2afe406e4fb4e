"""What is on an HTML page, read as strictly as a browser would not."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "use", "path", "rect"}


class Reader(HTMLParser):
    """Collects elements and text, and sees that elements are closed in order. `scripts`: the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements, self.attributes, self.words, self.open = list[str](), list[tuple[str, str]](), "", list[str]()
        self.scripts = list[str]()
        self.feed(text)
        self.close()

    @property
    def state(self) -> dict[str, Any]:
        """The values that the page of a search embeds for its script."""
        found: dict[str, Any] = json.loads(self.scripts[0])
        return found

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        else:
            self.words += data
