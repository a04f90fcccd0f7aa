"""Where the keys and values of a TOML text stand. Loaded only when there is something to complain about.

A *place* is a stretch of one line: 1-based line and column, and a width in characters. Paths are those of the
data: keys, and 0-based positions in lists.
"""

from typing import NamedTuple

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Path = tuple[str | int, ...]

_TABLES = ("table", "table_array_element")
_KEYS = ("bare_key", "quoted_key", "dotted_key")


class Place(NamedTuple):
    """A stretch of one line of a text."""

    line: int
    column: int
    width: int


class Places:
    """The places of a text's keys and values; of a table, its header, or the key of an inline one."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._keys: dict[Path, Node] = {}
        self._values: dict[Path, Node] = {}
        root = Parser(Language(tree_sitter_toml.language())).parse(text.encode()).root_node
        self._counts: dict[Path, int] = {}
        for node in root.children:
            if node.type in _TABLES:
                self._table(node)
            elif node.type == "pair":
                self._pair(node, ())

    def key(self, path: Path) -> Place | None:
        """The place of a key, or of what stands for it: the nearest table around it that the text has."""
        while path:
            if path in self._keys:
                return self._place(self._keys[path])
            path = path[:-1]
        return None

    def value(self, path: Path) -> Place | None:
        """The place of a value; of a table with a header, the header's name."""
        return self._place(self._values[path]) if path in self._values else self.key(path)

    def _table(self, node: Node) -> None:
        name = next((child for child in node.children if child.type in _KEYS), None)
        if name is None:
            return
        path: Path = ()
        parts = _parts(name)
        for number, (part, key) in enumerate(parts, 1):
            path = (*path, key)
            is_last = number == len(parts)
            if is_last and node.type == "table_array_element":
                self._keys.setdefault(path, part)
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:  # inside the list's latest table
                path = (*path, self._counts[path])
            self._keys.setdefault(path, part)
        for child in node.children:
            if child.type == "pair":
                self._pair(child, path)

    def _pair(self, node: Node, table: Path) -> None:
        path = table
        for part, key in _parts(node.children[0]):
            path = (*path, key)
            self._keys.setdefault(path, part)
        self._value(node.children[-1], path)

    def _value(self, node: Node, path: Path) -> None:
        self._values.setdefault(path, node)
        if node.type == "inline_table":
            for child in node.children:
                if child.type == "pair":
                    self._pair(child, path)
        elif node.type == "array":
            items = [child for child in node.children if child.is_named]
            for number, child in enumerate(item for item in items if item.type not in ("comment", "ERROR")):
                self._keys.setdefault((*path, number), child)
                self._value(child, (*path, number))

    def _place(self, node: Node) -> Place:
        """Columns are counted in characters, where the parser counts bytes."""
        row, begins = node.start_point
        line = self._lines[row].encode()
        ends = node.end_point.column if node.end_point.row == row else len(line.rstrip())
        column = len(line[:begins].decode()) + 1
        return Place(row + 1, column, max(1, len(line[begins:ends].decode())))


def _parts(node: Node) -> list[tuple[Node, str]]:
    """The parts of a key, which may have dots, each with what it says."""
    if node.type == "dotted_key":
        return [part for child in node.children if child.type in _KEYS for part in _parts(child)]
    text = (node.text or b"").decode()
    return [(node, text[1:-1] if node.type == "quoted_key" else text)]
