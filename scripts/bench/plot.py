# SPDX-License-Identifier: GPL-2.0
"""A table of counts as bars, in SVG: for bench."""
from html import escape
from pathlib import Path

COLOURS = ("#8c8c8c", "#1f77b4", "#2ca02c", "#d62728")      # of the variants, in turn
NAMES, NAME, PANEL, BAR, GAP, TOP = 290, 160, 260, 14, 10, 64   # pixels; NAMES is the width of the rows' names, NAME of a variant's
LABEL = 70                                                  # of a panel, kept for the number behind the longest bar


def text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}"{more}>{escape(words)}</text>'


def bars(path: Path, title: str, columns: list[str], counts: dict[str, dict], rows: dict[str, str]) -> None:
    """Write a plot of what counts.table() prints, of the same title, columns, counts and rows: a panel a column, a group
    a row, a bar a variant. Each panel has a scale of its own, from 0."""
    variants = list(counts)
    group = BAR * len(variants) + GAP
    width, height = NAMES + PANEL * len(columns), TOP + group * len(rows) + GAP
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>', text(GAP, 20, title, ' font-size="15"')]
    for number, variant in enumerate(variants):
        x, colour = GAP + NAME * number, COLOURS[number % len(COLOURS)]
        lines += [f'<rect x="{x}" y="32" width="{BAR}" height="{BAR}" fill="{colour}"/>', text(x + BAR + 5, 44, variant)]
    for number, row in enumerate(rows):
        lines.append(text(NAMES - GAP, TOP + group * number + group / 2, rows[row], ' text-anchor="end"'))
    for what, column in enumerate(columns):
        x = NAMES + PANEL * what
        lines.append(text(x, TOP - 10, column, ' font-weight="bold"'))
        longest = max(counts[variant][row][what] for variant in variants for row in rows) or 1
        for number, row in enumerate(rows):
            for place, variant in enumerate(variants):
                y, count = TOP + group * number + BAR * place, counts[variant][row][what]
                long = (PANEL - LABEL) * count / longest
                lines += [f'<rect x="{x}" y="{y}" width="{long:.1f}" height="{BAR - 2}" fill="{COLOURS[place % len(COLOURS)]}"/>',
                          text(x + long + 4, y + BAR - 4, f"{count:.2f}")]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, "</svg>\n"]))
