"""Check a built site: every internal link arrives, and no page asks anything of the network."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser loads by itself, as opposed to what a reader clicks.
_LOADED = {
    *(("img", "src"), ("img", "srcset"), ("source", "src")),
    *(("script", "src"), ("link", "href")),
}


@dataclass
class _Page(HTMLParser):
    """The anchors of a page, the links a reader may click, and the files a browser loads."""

    anchors: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.add(values["href"])
        if tag == "link" and values.get("rel") in {"canonical", "index", "search", "next", "prev"}:
            return
        for name, value in values.items():
            if (tag, name) in _LOADED:
                parts = value.split(",") if name == "srcset" else [value]
                self.loaded.update(part.split()[0] for part in parts)


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def problems(site: Path) -> Iterator[str]:
    """Yield one sentence for every link that does not arrive and every file from elsewhere."""
    files = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    if not files:
        yield f"{site} holds no page"
    pages = {path.resolve(): _read(path) for path in files}
    for path, page in pages.items():
        where = path.relative_to(site.resolve())
        for link in sorted(page.links | page.loaded):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.netloc:
                    yield f"{where} loads {link} from the network"
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            anchors = pages[target].anchors if target in pages else {unquote(parts.fragment)}
            if not target.exists():
                yield f"{where} links to {link}, which does not exist"
            elif parts.fragment and unquote(parts.fragment) not in anchors:
                yield f"{where} links to {link}, whose anchor does not exist"
    for sheet in sorted(site.rglob("*.css")):
        if "url(http" in sheet.read_text(encoding="utf-8", errors="replace"):
            yield f"{sheet.relative_to(site)} loads something from the network"


if __name__ == "__main__":
    found = list(problems(Path(sys.argv[1])))
    print("\n".join(found) or "all internal links arrive; nothing is loaded from the network")
    sys.exit(bool(found))
