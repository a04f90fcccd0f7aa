"""Sources: where in an answer a value stands, as a profile writes it, compiled to a function that fetches it.

    json:items[0].id     a path into the JSON body; json: alone is all of it; ["a.b"] is a key with a dot
    header:ETag          a response header            cookie:sessionid    a cookie that the answer sets
    body:id=(\\d+)        the group of a regular expression in the body
    status               the status code              text:{intake}       this text, its placeholders filled

Keys of a path may hold placeholders: json:holders.{applicant}. What is absent, or null, is None.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from loadtests.profiles.exchange import Who
from loadtests.profiles.templates import Compiler, Hole, parts

KINDS: Final = ("json", "header", "cookie", "body", "status", "text")

Key = str | int
Get = Callable[["Answered"], Any]


class Answered(NamedTuple):
    """An answer as rules look at it."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters; of a header that is repeated, the values joined by line ends (or commas)."""
    body: bytes
    document: Any
    """The body as JSON; None if it is none, or if no rule of this status asks."""
    variables: Mapping[str, str]
    who: Who | None


class Source(NamedTuple):
    """Where a value stands: the kind, and what is written after the colon."""

    kind: str
    detail: str


def source(text: str) -> Source:
    """The source that a text names; ValueError if it names none."""
    kind, colon, detail = text.partition(":")
    if kind not in KINDS:
        raise ValueError(f'"{text}" does not say where the value stands')
    if kind == "status" and colon:
        raise ValueError("status takes nothing after a colon")
    if kind in ("header", "cookie", "body") and not detail:
        raise ValueError(f"{kind}: needs {'an expression' if kind == 'body' else 'a name'} after the colon")
    if kind == "body" and re.compile(detail).groups != 1:
        raise ValueError("a body: expression needs exactly one group in parentheses")
    if kind == "json":
        path(detail)
    return Source(kind, detail)


_STEP: Final = re.compile(r"""\.?(?:([^.\[\]"']+)|\[(-?\d+)\]|\[(?:"([^"]*)"|'([^']*)')\])""")


def path(text: str) -> tuple[Key, ...]:
    """The steps of a JSON path: keys, and positions in lists (negative from the end)."""
    rest = text.removeprefix("$")
    steps: list[Key] = []
    end = 0
    while end < len(rest):
        found = _STEP.match(rest, end)
        if found is None or (end == 0 and rest == text and rest.startswith(".")):
            raise ValueError(f'"{text}" is not a path such as data.items[0].id')
        name, position, double, single = found.groups()
        steps.append(
            int(position)
            if position is not None
            else next(k for k in (name, double, single) if k is not None)
        )
        end = found.end()
    return tuple(steps)


def document_of(body: bytes) -> Any:
    """The body as JSON; None if it is not JSON."""
    try:
        return from_json(body)
    except ValueError:
        return None


def fetch(document: Any, steps: tuple[Key, ...]) -> Any:
    """The value at a path; None where there is none."""
    for step in steps:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def fetcher(steps: tuple[Key, ...], compiler: Compiler) -> Get:
    """The function that fetches what stands at a path of an answer's document."""
    if len(steps) == 1 and isinstance(steps[0], str) and not _has_holes(steps[0]):
        only = steps[0]

        def one(answered: Answered) -> Any:
            document = answered[3]
            return document.get(only) if type(document) is dict else None

        return one
    if not any(isinstance(step, str) and _has_holes(step) for step in steps):
        return lambda answered: fetch(answered.document, steps)
    filled = [compiler.function(compiler.text(step)) if isinstance(step, str) else step for step in steps]

    def some(answered: Answered) -> Any:
        keys = tuple(
            step if isinstance(step, int) else step(answered.who, answered.variables) for step in filled
        )
        return fetch(answered.document, keys)

    return some


def _has_holes(text: str) -> bool:
    return any(isinstance(part, Hole) for part in parts(text))


def getter(text: str, compiler: Compiler) -> Get:
    """The function that fetches the value of a source from an answer."""
    kind, detail = source(text)
    if kind == "json":
        return fetcher(path(detail), compiler)
    if kind == "header":
        name = detail.lower()
        return lambda answered: answered[1].get(name)
    if kind == "cookie":
        return lambda answered: cookies(answered.headers.get("set-cookie", "")).get(detail)
    if kind == "body":
        search = re.compile(detail).search
        return lambda answered: (
            found[1] if (found := search(answered.body.decode("utf-8", "replace"))) else None
        )
    if kind == "status":
        return lambda answered: answered.status
    filled = compiler.function(compiler.text(detail))
    return lambda answered: filled(answered.who, answered.variables)


def only_key(text: str) -> str | None:
    """The key at the top of the document that a source names; None if it names anything else."""
    kind, detail = source(text)
    steps = path(detail) if kind == "json" else ()
    is_one = len(steps) == 1 and isinstance(steps[0], str) and not _has_holes(steps[0])
    return str(steps[0]) if is_one else None


def needs_document(text: str) -> bool:
    """Whether a source looks into the JSON body."""
    return source(text).kind == "json"


_NEXT_COOKIE: Final = re.compile(r"\n|,\s*(?=[^\s;,=]+=)")


def cookies(header: str) -> dict[str, str]:
    """The cookies that Set-Cookie headers set; of several on one line, a date's comma divides nothing."""
    pairs = (each.split(";", 1)[0].partition("=") for each in _NEXT_COOKIE.split(header))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def as_text(value: Any) -> str:
    """A value of an answer as text; truth values as JSON writes them."""
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        import json  # answers are seldom compared with whole documents

        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def as_number(value: Any) -> int | None:
    """A value as a whole number that a history can hold; None if it is none."""
    if type(value) is int:
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    elif isinstance(value, str) and len(value) <= 20:
        try:
            number = int(value)
        except ValueError:
            return None
    else:
        return None
    return number if -(2**63) <= number < 2**63 else None


def as_truth(value: Any) -> bool | None:
    """A value as a truth; None if it is none."""
    if isinstance(value, bool):
        return value
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
        str(value).lower()
    )
