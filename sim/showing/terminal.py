"""How results are printed: consoles, tables and figures.

On a terminal there is colour and the terminal's width; elsewhere plain text, 100 characters wide, without
spaces at the ends of lines. A table that needs more room than there is gets it, so that its labels stay
whole. What cannot show blocks gets other characters.
"""

from typing import IO, Any, cast

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from sim.showing.headline import count

WIDTH, LEAST_WIDTH = 100, 80
HEAD = "    \n    \n -- \n    \n    \n    \n    \n    \n"


def print_whole(table: Table, console: Console) -> None:
    """Print a table, on lines longer than the console's if it would have to lose something."""
    if console.options.ascii_only:
        table.box = box.Box(HEAD, ascii=True)
    for column in table.columns:
        if column.no_wrap:
            lines = (line for cell in (column.header, *column.cells) for line in str(cell).split("\n"))
            column.min_width = max(cell_len(line) for line in lines)
    padded, width = Padding(table, (0, 0, 0, 1)), console.width
    needed = console.measure(padded, options=console.options.update(max_width=10 * WIDTH)).minimum
    console.width = max(width, needed)
    console.print(padded)
    console.width = width


class _Trimmed:
    """A stream whose lines lose the spaces at their ends."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write whole lines."""
        self._stream.write("\n".join(line.rstrip(" ") for line in text.split("\n")))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def console_for(stream: Any) -> Console:
    """Where to print: as a terminal allows, but not too narrow; else plain and of a fixed width."""
    is_terminal = bool(stream.isatty())
    console = Console(
        file=stream if is_terminal else cast(IO[str], _Trimmed(stream)),
        width=None if is_terminal else WIDTH,
        no_color=None if is_terminal else True,
        force_terminal=is_terminal,
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.width = max(LEAST_WIDTH, console.width)
    return console


def table_of(*columns: str, left: int = 1) -> Table:
    """A plain table; the first `left` columns are text, the others numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1), show_edge=False)
    for number, column in enumerate(columns):
        table.add_column(
            column,
            justify="left" if number < left else "right",
            overflow="fold",
            no_wrap=number > 0 or column == "year",
        )
    return table


def figure(value: float, unit: str) -> str:
    """A number as text: unit share (in per cent), decimal (one place), or count (whole)."""
    if unit == "share":
        return "<1 %" if 0 < value < 0.005 else ">99 %" if 0.995 < value < 1 else f"{100 * value:.0f} %"
    if unit == "decimal":
        return f"{value:,.1f}"
    return count(value)
