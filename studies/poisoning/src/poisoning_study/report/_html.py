"""The few pieces of HTML that the page is made of."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from poisoning_study.files import write_atomically

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --line: #d8d8d8;
  --soft: #5f5f5f; --mark: #b3261e; --panel: #f6f6f4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e6; --paper: #161616; --line: #3c3c3c;
  --soft: #a8a8a8; --mark: #ff8a80; --panel: #202020; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 72rem; margin: 0 auto; padding: 2rem 1.2rem 5rem; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.8rem; }
p, li { max-width: 48rem; }
p.question { color: var(--soft); font-style: italic; margin-top: -.4rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums;
  margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 15rem; }
table.words :is(th, td) { text-align: left; white-space: normal; vertical-align: top; }
table.words td:first-child { min-width: 14rem; white-space: nowrap; }
table.matrix td { font-size: .95em; }
div.verdict { border-left: 4px solid var(--soft); background: var(--panel); padding: .6rem 1rem;
  margin: .8rem 0; } div.verdict h2 { font-size: 1rem; margin: 0; }
div.verdict p { margin: .3rem 0; }
@media (max-width: 600px) { body { padding: 1rem .8rem 3rem; }
  th:first-child, td:first-child { min-width: 8rem; } table.words td:first-child { min-width: 7rem;
  white-space: normal; } }
thead th { white-space: normal; border-bottom: 2px solid var(--soft); }
td.hurt { color: var(--mark); font-weight: 600; } tr.original td { background: var(--panel); }
figure { margin: 1.2rem 0; } figure img { max-width: 100%; background: #fff; border-radius: 3px; }
figcaption, .note { color: var(--soft); font-size: .88rem; }
.lead { border-left: 4px solid var(--line); padding-left: 1rem; } code { font-size: .9em; }
"""


def text(value: object) -> str:
    """Return `value` escaped."""
    return html.escape(str(value))


def paragraph(content: str, css: str = "") -> str:
    """Return a paragraph of HTML."""
    return f'<p class="{css}">{content}</p>' if css else f"<p>{content}</p>"


def bullets(items: Sequence[str]) -> str:
    """Return a list of HTML items."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


#: A cell: its text and a class, or its text alone.
CellText = str | tuple[str, str]


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[CellText]],
    row_css: Sequence[str] = (),
    css: str = "",
) -> str:
    """Return a table; cells are escaped."""
    lines = [f'<table class="{css}"><thead><tr>' if css else "<table><thead><tr>"]
    lines += [*(f"<th>{text(name)}</th>" for name in head), "</tr></thead>", "<tbody>"]
    for index, row in enumerate(rows):
        of_row = row_css[index] if row_css else ""
        lines.append(f'<tr class="{of_row}">' if of_row else "<tr>")
        for cell in row:
            content, mark = cell if isinstance(cell, tuple) else (cell, "")
            lines.append(f'<td class="{mark}">' if mark else "<td>")
            lines.append(f"{text(content)}</td>")
        lines.append("</tr>")
    return "".join([*lines, "</tbody></table>"])


def picture(figure: Figure, caption: str, folder: Path, name: str) -> str:
    """Write a figure as PNG into `folder` and return it embedded, with its caption."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    data = buffer.getvalue()
    write_atomically(folder / f"{name}.png", lambda stream: stream.write(data))
    encoded = base64.b64encode(data).decode()
    return (
        f'<figure><img alt="{text(caption)}" src="data:image/png;base64,{encoded}">'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def page(title: str, body: Sequence[str]) -> str:
    """Return a whole, self-contained page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head><body>"
        + "\n".join(body)
        + "</body></html>\n"
    )
