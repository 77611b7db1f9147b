"""The Markdown of generated pages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

_MADE = "<!-- Made by docs/generate.py. Do not edit: change the code and run make docs. -->"


def page(title: str, lines: Iterable[str]) -> str:
    """Return a whole page."""
    return "\n".join([f"# {title}", "", _MADE, "", *lines]).rstrip() + "\n"


def filled(path: Path, parts: Mapping[str, Iterable[str]]) -> str:
    """Return a page that people write, with its generated parts made again. Comments mark where a part begins and ends.

    Raises:
        ValueError: the page has no such part.
    """
    text = path.read_text(encoding="utf-8")
    for name, lines in parts.items():
        begin, end = f"<!-- {name}: made by docs/generate.py -->\n", f"<!-- end of {name} -->\n"
        before, part, rest = text.partition(begin)
        _old, whole, after = rest.partition(end)
        if not part or not whole:
            raise ValueError(f"{path.name} has no part {name}")
        text = before + begin + "\n" + "\n".join(lines).rstrip() + "\n\n" + end + after
    return text


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Return the lines of a table, and an empty line after it."""
    yield f"| {' | '.join(columns)} |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""
