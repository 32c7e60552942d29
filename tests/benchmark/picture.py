"""What grows and what does not, as a picture: waits of the stores' calls at each size, on log scales."""

import math
from html import escape
from typing import Any

WIDTH, HEIGHT = 1_010, 400
LEFT, TOP, PANEL, GAP, DEEP = 76, 56, 252, 76, 262
LEAST, MOST = 0.2, 3_000.0
"""Milliseconds at the ends of the upright scale."""

PANELS = (
    ("Load the last 50 messages", "load", "messages of the conversation"),
    ("Store a message", "append", "messages of the conversation"),
    ("List 20 conversations", "list", "conversations of the user"),
)
COLOURS = ("#0b7285", "#e8590c", "#5f3dc4", "#2b8a3e", "#c2255c", "#868e96")
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #495057 }
.title { font-weight: 600; font-size: 15px }
.grid { stroke: #adb5bd; stroke-opacity: .35 }
.line { fill: none; stroke-width: 2; stroke-linejoin: round }
@media (prefers-color-scheme: dark) { text { fill: #ced4da } }
"""


def drawn(results: dict[str, Any]) -> str:
    """An SVG with a panel for each thing that one does with a store. `results` need the stores."""
    stores: dict[str, list[dict[str, Any]]] = results["stores"]
    panels = [_panel(LEFT + number * (PANEL + GAP), *said, stores) for number, said in enumerate(PANELS)]
    legend = "".join(
        f'<g transform="translate({LEFT - 60 + 165 * number} {HEIGHT - 12})">'
        f'<rect y="-9" width="14" height="4" fill="{COLOURS[number % len(COLOURS)]}"/>'
        f'<text x="20" y="-3">{escape(name)}</text></g>'
        for number, name in enumerate(stores)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>Milliseconds of a call as a conversation and an account grow</title><style>{STYLE}</style>"
        f"{''.join(panels)}{legend}</svg>\n"
    )


def _panel(left: int, title: str, operation: str, of: str, stores: dict[str, list[dict[str, Any]]]) -> str:
    sizes = sorted({call["size"] for calls in stores.values() for call in calls})
    middle = f'x="{left + PANEL / 2}" y="{TOP + DEEP + 42}" text-anchor="middle"'
    parts = [f'<text class="title" x="{left}" y="{TOP - 26}">{title}</text><text {middle}>{of}</text>']
    for milliseconds in (1, 10, 100, 1_000):
        y = _y(milliseconds)
        parts.append(f'<line class="grid" x1="{left}" x2="{left + PANEL}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{milliseconds:,} ms</text>')
    for size in sizes:
        x = _x(left, size, sizes)
        parts.append(f'<text x="{x:.1f}" y="{TOP + DEEP + 22}" text-anchor="middle">{size:,}</text>')
    for number, calls in enumerate(stores.values()):
        points = " ".join(
            f"{_x(left, call['size'], sizes):.1f},{_y(call['ms']):.1f}"
            for call in calls
            if call["operation"] == operation
        )
        parts.append(f'<polyline class="line" stroke="{COLOURS[number % len(COLOURS)]}" points="{points}"/>')
    return "".join(parts)


def _x(left: int, size: float, sizes: list[int]) -> float:
    share = math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])
    return left + 16 + share * (PANEL - 32)


def _y(milliseconds: float) -> float:
    share = math.log(min(max(milliseconds, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return TOP + DEEP * (1 - share)
