"""What is on an HTML page, read as strictly as a browser would not."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "use", "path", "rect"}


class Reader(HTMLParser):
    """Collects elements and text, and sees that elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements, self.attributes, self.words, self.open = list[str](), list[tuple[str, str]](), "", list[str]()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
