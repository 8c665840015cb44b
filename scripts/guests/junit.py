# SPDX-License-Identifier: GPL-2.0
"""Write the rows of compare for machines, as JUnit XML: a suite a variant, a test a case."""
import re
import xml.etree.ElementTree as ET
from pathlib import Path

# What XML 1.0 cannot hold, not even escaped.
INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(words) -> str:
    """words without the characters that would make the file ill-formed."""
    return INVALID.sub("", str(words))


def add_case(suite: ET.Element, place: Path, row, cell) -> str:
    """Add one test; returns which of JUnit's counters it belongs to."""
    test = ET.SubElement(suite, "testcase", name=text(row.case.name),
                         classname=text(".".join((*place.parts[-2:], cell.variant))),
                         time=f"{cell.seconds:.3f}")
    if row.skip:
        ET.SubElement(test, "skipped", message=text(row.skip))
        return "skipped"
    if cell.problem:
        kind = "failure" if cell.verdict in ("pass", "fail", "skip") else "error"
        found = ET.SubElement(test, kind, message=text(cell.problem), type=cell.verdict)
        found.text = text("\n".join(cell.matter(row.case)))
        return kind + "s"
    if cell.expected:
        ET.SubElement(test, "system-out").text = text(f"failed as expected: {cell.expected}")
    return ""


def write(path: Path, rows: list) -> None:
    """Write rows, which all have the same variants, to path."""
    root = ET.Element("testsuites")
    for cells in zip(*(row.cells for row in rows)):
        suite = ET.SubElement(root, "testsuite", name=text(cells[0].variant),
                              tests=str(len(cells)),
                              time=f"{sum(cell.seconds for cell in cells):.3f}")
        kinds = [add_case(suite, path.parent, row, cell)
                 for row, cell in zip(rows, cells)]
        for kind in ("failures", "errors", "skipped"):
            suite.set(kind, str(kinds.count(kind)))
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
