"""Faults in the TOML of a file, before it says anything: found one by one, told in its author's terms.

The parser stops at the first fault. When that is within a line `key = value`, the value is replaced by one
that stands for "could not be read", and parsing goes on, so that the rest of the file is checked as well.
"""

import re
import tomllib
from dataclasses import replace
from typing import Any, NamedTuple

from sim.errors import Problem
from sim.scenario_files.check import UNREADABLE


class Read(NamedTuple):
    """What could be read of a text."""

    data: dict[str, Any] | None
    """None if the text could not be read to its end."""
    text: str
    """The text as it was parsed in the end: line for line that of the file."""
    problems: list[Problem]
    """What is wrong with its syntax, without the file's name."""


_PAIR = re.compile(r"""(\s*(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w-]+)*)\s*[=:]\s*(.*?)\s*$""")
_PLACE = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")
_MOST = 50
_MOST_NESTED = 20


def read(text: str) -> Read:
    """The data of a TOML text, as far as it can be read."""
    lines = text.split("\n")
    parsed = list(lines)
    problems: list[Problem] = []
    while True:
        try:
            data = tomllib.loads("\n".join(parsed))
            if _is_nested_too_deeply(data):
                raise RecursionError
            return Read(data, "\n".join(parsed), problems)
        except tomllib.TOMLDecodeError as error:
            if len(problems) == _MOST:
                problems.append(_and_more(lines))
                break
            place = _PLACE.search(str(error))
            at_end = place is None or place[1] is None
            row = len(parsed) - 1 if at_end or place is None else int(place[1]) - 1
            column = len(parsed[row]) if at_end or place is None else int(place[2]) - 1
            reason = _PLACE.sub("", str(error)).strip()
        except RecursionError:
            problems.append(_nested_too_deeply(lines))
            break
        except ValueError:  # Python reads no whole number of more than some thousand digits
            problems.append(_too_many_digits(lines))
            break
        while row > 0 and not parsed[row].strip():  # the end of what is not closed, seen from the last line
            row -= 1
            column = len(parsed[row])
        row, column = _opening(parsed, row, column, reason)
        problem = _problem(lines[row], row, column, reason)
        table = _table(parsed, row) if problem.key else ""
        problems.append(replace(problem, key=".".join(part for part in (table, problem.key) if part)))
        if not _skip(parsed, row, reason):
            break
    return Read(None, "\n".join(parsed), problems)


def _and_more(lines: list[str]) -> Problem:
    """That faults are left untold, at the end of the file."""
    return Problem(f"and more: these are the first {_MOST} faults of syntax", line=len(lines), column=1)


def _is_nested_too_deeply(data: Any) -> bool:
    """Whether lists and tables stand in each other deeper than any scenario has them; without recursion."""
    level = [data]
    for _ in range(_MOST_NESTED):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [part for items in inner for part in items if isinstance(part, (dict, list))]
    return bool(level)


def _nested_too_deeply(lines: list[str]) -> Problem:
    """The fault of such a nesting, at the line where it gets too deep; of a dotted key, at the longest."""
    depth = 0
    row = max(range(len(lines)), key=lambda row: lines[row].count("."))
    for number, line in enumerate(lines):
        depth += len(re.findall(r"[\[{]", line))
        if depth > _MOST_NESTED:
            row = number
            break
        depth -= len(re.findall(r"[\]}]", line))
    column = len(lines[row]) - len(lines[row].lstrip()) + 1
    message = f"lists or tables stand in each other more than {_MOST_NESTED} deep"
    return Problem(message, line=row + 1, column=column, text=_cut(lines[row]))


def _too_many_digits(lines: list[str]) -> Problem:
    """The fault of a number that is too long to be read, at its line."""
    row, found = max(
        ((row, run) for row, line in enumerate(lines) for run in re.finditer(r"[\d_]+", line)),
        key=lambda each: len(each[1][0]),
    )
    message = f"a number of {len(found[0]):,} digits cannot be read"
    return Problem(message, line=row + 1, column=found.start() + 1, text=_cut(lines[row]))


def _cut(line: str) -> str:
    """A line for printing, which may be very long."""
    line = line.replace("\t", " ")
    return line if len(line) <= 100 else f"{line[:97]}..."


def _opening(parsed: list[str], row: int, column: int, reason: str) -> tuple[int, int]:
    """Where a list begins that is not closed, which the parser notices on a later line."""
    if "array" not in reason.lower():
        return row, column
    for above in range(row, -1, -1):
        pair = _PAIR.match(parsed[above])
        if pair and pair[2].startswith("[") and parsed[above].count("[") > parsed[above].count("]"):
            return above, pair.start(2)
    return row, column


def _table(parsed: list[str], row: int) -> str:
    """The table in which a line stands, as in a dotted key; a table of a list by its number."""
    headers = [found for line in parsed[:row] if (found := _HEADER.match(line))]
    if not headers:
        return ""
    last = headers[-1]
    number = sum(each[0] == last[0] for each in headers)
    return f"{last[2]}.{number}" if last[1] == "[[" else last[2]


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")


def _skip(parsed: list[str], row: int, reason: str) -> bool:
    """Replace a value that cannot be read, if the fault is in that one line alone."""
    pair = _PAIR.match(parsed[row])
    inside_list = parsed[row].rstrip().endswith(",")
    if pair is None or UNREADABLE_TEXT in parsed[row] or inside_list or "Unclosed array" in reason:
        return False
    is_repeat = reason.startswith("Cannot")
    parsed[row] = "" if is_repeat else f"{pair[1]} = {UNREADABLE_TEXT}"
    return True


UNREADABLE_TEXT = f'"\\u{ord(UNREADABLE):04x}"'


class _Said(NamedTuple):
    """A fault of syntax: where in its line it begins, the text that is wrong, what it is, how to mend it."""

    begins: int
    wrong: str
    message: str
    mend: str = ""


def _problem(line: str, row: int, column: int, reason: str) -> Problem:
    """One fault of syntax, and what to do about it."""
    line = line.rstrip("\r")
    pair = _PAIR.match(line)
    said = _pair_said(line, pair, column, reason) if pair else None
    said = said or _line_said(line, column, reason, is_pair=pair is not None)
    width, shown = max(1, len(said.wrong)), line.replace("\t", " ")
    key = pair[1].strip() if pair else ""
    return Problem(
        said.message, key=key, line=row + 1, column=said.begins + 1, width=width, text=shown, mend=said.mend
    )


def _pair_said(line: str, pair: re.Match[str], column: int, reason: str) -> _Said | None:
    """What is wrong with a line that is meant as key = value, if that can be told from the line."""
    key, value = pair[1].strip(), pair[2].split(" #")[0].rstrip()
    if "=" not in line:
        message = "a key and its value are joined by =, not by a colon"
        return _Said(line.index(":"), ":", message, f"{key} = {value}")
    if reason.startswith("Cannot overwrite"):
        return _Said(line.index(key), key, "the key is given twice in this table", "keep one of the two")
    if twice := re.match("Duplicate inline table key '(.*)'", reason):
        return _Said(column, "", f"{twice[1]} is given twice in these braces", "keep one of the two")
    if not value:
        return _Said(len(line), "", "the key has no value", f"write one after the =, or leave {key} out")
    if told := _value_said(value):
        return _Said(pair.start(2), value, *told)
    return None


def _line_said(line: str, column: int, reason: str, *, is_pair: bool) -> _Said:
    """What is wrong with a line, as far as the parser's reason tells."""
    indent = len(line) - len(line.lstrip())
    values = r"[\w-]+\s*=\s*(\d{1,3}(?:,\d{3})+(?=\s*[,}])|[^][,{}=]+)"  # 7,350 is meant as one number
    for inner in re.finditer(values, line) if "{" in line else ():
        value = inner[1].strip()
        if value and not _is_value(value) and (told := _value_said(value)):
            return _Said(inner.start(1), value, *told)
    if reason.startswith("Cannot declare"):
        mend = "join the two, or use [[ ]] if it is a list of tables"
        return _Said(0, line.strip(), "the table is declared twice", mend)
    if line.lstrip().startswith("["):
        mend = "write [name] for a table, [[name]] for one of a list"
        return _Said(indent, line.strip(), "this header of a table is not complete", mend)
    if "array" in reason.lower():
        return _Said(
            column, "", "a list is not closed, or has no comma between two values", "write [1, 2, 3]"
        )
    if "inline table" in reason:
        message = "a table in braces is not closed, or has no comma between two keys"
        return _Said(column, "", message, "write { value = 5, low = 4, high = 6 }")
    if not is_pair:
        message = "this is neither key = value, nor the [header] of a table, nor a # comment"
        return _Said(indent, line.strip(), message, "put a # before it if it is a comment")
    if reason.startswith("Expected newline"):
        mend = "write one value; text in quotes, a list as [1, 2, 3]"
        return _Said(column, line[column:].rstrip(), "something more stands after the value", mend)
    return _Said(column, "", f"this cannot be read as TOML: {reason[:1].lower()}{reason[1:]}")


def _is_value(text: str) -> bool:
    """Whether a text is a value of TOML."""
    try:
        tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return False
    return True


def _value_said(value: str) -> tuple[str, str] | None:
    """What is wrong with a value, and how it is written."""
    if curly := re.search("[“”„«»‘’]", value):
        return f"{curly[0]} is not a quotation mark of TOML", 'write text in straight quotes, as "text"'
    if percent := re.fullmatch(r"(\d+(?:\.\d+)?) ?%", value):
        return f"{value} is not a number of TOML", f"write {float(percent[1]) / 100:g}"
    if re.fullmatch(r"\d{1,3}([ ,'’]\d{3})+", value):
        digits = re.sub(r"\D", "", value)
        return f"{value} is not a number of TOML", f"write {digits} or {int(digits):_}"
    if re.fullmatch(r"\d+,\d+", value):
        return f"{value} is not a number of TOML", f"write {value.replace(',', '.')}"
    if re.fullmatch(r"[+-]?0\d+(\.\d+)?", value):
        return "a number cannot begin with 0", f"write {value.lstrip('0') or '0'}"
    if re.fullmatch(r"\.\d+", value):
        return "a number cannot begin with a point", f"write 0{value}"
    if re.fullmatch(r"\d+\.", value):
        return "a number cannot end with a point", f"write {value}0"
    if re.fullmatch(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", value):
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return f"{value} is not in the calendar", ""
        return f"{value} is not a date as TOML writes it", "write year-month-day, as in 2022-05-24"
    if re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\S+|\d{1,2}:\d\d(:\d\d)?", value):
        return f"{value} is not a time of day", "write 08:30:00, or 2022-05-24T08:30:00 with a date"
    if value.lower() in ("true", "false", "yes", "no", "on", "off"):
        truth = "true" if value.lower() in ("true", "yes", "on") else "false"
        return f"{value} is not true or false", f"write {truth}"
    if value.lower() in ("none", "null", "nil"):
        return "TOML has no word for nothing", 'leave the key out, or write "none" if that is a choice'
    if re.fullmatch(r"[^\W\d][\w .-]*", value):
        return f"{value} is not in quotes", f'write "{value}"'
    if value[:1] in "\"'" and value.count(value[:1]) % 2:
        return "the text is not closed", f"put a {value[:1]} at its end"
    if "\\" in value and value[:1] == '"':
        return "a backslash means something else in quotes", r"write \\ for it, or put the text in '...'"
    return None
