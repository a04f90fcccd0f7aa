"""Templates: texts with placeholders, compiled to expressions that a request is built with.

    {applicant}  {applicant|slug}  {key}  {token}      of who asks, or a variable; {{ and }} are braces
    ${QUOTA_TOKEN}  ${QUOTA_URL:-http://127.0.0.1:8080}   of the environment, with a default after :-

A compiled template is a piece of syntax tree over `who` and `v` (the variables): constants are constants of
the tree, so nothing that a profile says is ever read as code. A request made of such pieces is one function.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus

from loadtests.profiles.exchange import Who
from loadtests.profiles.filters import chained, filter_of, quoted

TRUTHS: Final = frozenset({"certificate", "letter", "complete"})
"""Fields of Who that are true or false; `chain` is a number, all others are text."""

_TOKEN: Final = re.compile(
    r"\$\{(?P<env>[A-Za-z_]\w*)(?::-(?P<default>[^{}]*))?\}"
    r"|(?P<brace>\{\{|\}\})"
    r"|\{(?P<name>[A-Za-z_][\w-]*)(?P<filters>(?:\|[a-z0-9]+(?::[^|{}]*)?)*)\}"
    r"|(?P<stray>[{}])"
)


class Hole(NamedTuple):
    """A placeholder: a field of who asks or a variable, through filters."""

    name: str
    filters: tuple[tuple[str, str], ...]


class FromEnvironment(NamedTuple):
    """A text that the environment has; never kept with the profile."""

    name: str
    default: str | None


class Stray(NamedTuple):
    """A brace that opens or closes nothing."""

    brace: str


_KEY: Final = Hole("key", ())

Part = str | Hole | FromEnvironment | Stray


def parts(text: str) -> Iterator[Part]:
    """The constant stretches and the placeholders of a template, in order."""
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() > end:
            yield text[end : token.start()]
        end = token.end()
        if token["env"]:
            yield FromEnvironment(token["env"], token["default"])
        elif token["brace"]:
            yield token["brace"][0]
        elif token["stray"]:
            yield Stray(token["stray"])
        else:
            named = (each.partition(":") for each in token["filters"].split("|")[1:])
            yield Hole(token["name"], tuple((name, argument) for name, _, argument in named))
    if end < len(text):
        yield text[end:]


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """The template with what the environment says in it, as constants."""
    made = []
    for part in parts(text):
        if isinstance(part, FromEnvironment):
            found = environment.get(part.name) or part.default
            assert found is not None, f"{part.name} is checked before"
            made.append(found.replace("{", "{{").replace("}", "}}"))
        elif isinstance(part, Hole):
            filters = "".join(
                f"|{name}:{argument}" if argument else f"|{name}" for name, argument in part.filters
            )
            made.append(f"{{{part.name}{filters}}}")
        elif isinstance(part, Stray):
            made.append(part.brace * 2)
        else:
            made.append(part.replace("{", "{{").replace("}", "}}"))
    return "".join(made)


def settled(text: str, environment: Mapping[str, str]) -> str:
    """The text of a template that has no placeholders left once the environment has spoken."""
    return "".join(part for part in parts(expanded(text, environment)) if isinstance(part, str))


def _one_line(text: str) -> str:
    """A variable in a header: what a service answered may not add headers of its own to our requests."""
    return text.replace("\r", " ").replace("\n", " ")


def _truth(value: bool) -> str:
    return "true" if value else "false"


QUOTING: Final[dict[str, Callable[[str], str] | None]] = {
    "text": None,
    "header": _one_line,
    "url": quoted,
    "parameter": quoted,
    "form": quote_plus,
}
"""Where a text goes -> what is done to what stands in its holes."""

WHOLLY: Final = ("parameter", "form")
"""Places where the constant stretches are escaped too: a template of one value, not of a whole path."""


class Compiler:
    """Compiles templates into one namespace; `function` makes a function of the pieces."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._names: dict[str, Any] = {"str": str}

    def named(self, value: Any) -> ast.expr:
        """The expression that stands for a Python value."""
        for name, known in self._names.items():
            if known is value:
                return ast.Name(name, ast.Load())
        name = f"_{len(self._names)}"
        self._names[name] = value
        return ast.Name(name, ast.Load())

    def call(self, function: Callable[..., Any], *arguments: ast.expr) -> ast.expr:
        return ast.Call(self.named(function), list(arguments), [])

    def text(self, template: str, place: str = "text") -> ast.expr:
        """The expression of a template as text, fit for its place."""
        quoting = QUOTING[place]
        pieces: list[ast.expr] = []
        for part in parts(expanded(template, self.environment)):
            if isinstance(part, str):
                is_escaped = quoting is not None and place in WHOLLY
                pieces.append(ast.Constant(quoting(part) if quoting and is_escaped else part))
            else:
                assert isinstance(part, Hole), part
                filled = self._filled(part)
                is_ours = place == "header" and part == _KEY  # made by the harness, of letters and hyphens
                pieces.append(filled if quoting is None or is_ours else self.call(quoting, filled))
        return joined(pieces)

    def json(self, value: Any) -> ast.expr:
        """The expression of a JSON document as text; a string that is one hole keeps the type of the hole."""
        return joined(list(self._json(value)))

    def _json(self, value: Any) -> Iterator[ast.expr]:
        if isinstance(value, dict):
            for number, (key, inner) in enumerate(value.items()):
                yield ast.Constant("," if number else "{")
                yield from self._json_text(str(key))
                yield ast.Constant(":")
                yield from self._json(inner)
            yield ast.Constant("}" if value else "{}")
        elif isinstance(value, (list, tuple)):
            for number, inner in enumerate(value):
                yield ast.Constant("," if number else "[")
                yield from self._json(inner)
            yield ast.Constant("]" if value else "[]")
        elif isinstance(value, str):
            yield from self._json_text(value)
        elif isinstance(value, bool):
            yield ast.Constant(_truth(value))
        else:
            number_or_date = (
                value if isinstance(value, (int, float)) else encode_basestring(value.isoformat())
            )
            yield ast.Constant(str(number_or_date))

    def _json_text(self, template: str) -> Iterator[ast.expr]:
        found = list(parts(expanded(template, self.environment)))
        if all(isinstance(part, str) for part in found):
            yield ast.Constant(encode_basestring("".join(map(str, found))))
        elif len(found) == 1 and isinstance(found[0], Hole) and _is_bare(found[0]):
            yield self._filled(found[0])
        else:
            yield self.call(encode_basestring, self.text(template))

    def _filled(self, hole: Hole) -> ast.expr:
        """The text that stands in a hole."""
        value: ast.expr
        if hole.name in Who._fields:
            position = ast.Constant(Who._fields.index(hole.name))
            value = ast.Subscript(ast.Name("who", ast.Load()), position, ast.Load())
            if hole.name in TRUTHS:
                value = ast.IfExp(value, ast.Constant("true"), ast.Constant("false"))
            elif hole.name == "chain":
                value = self.call(str, value)
        else:
            value = ast.Subscript(ast.Name("v", ast.Load()), ast.Constant(hole.name), ast.Load())
        filters = [filter_of(*each) for each in hole.filters if each[0] not in ("raw", "number")]
        return self.call(chained(filters), value) if filters else value

    def function(self, body: ast.expr, *more: str) -> Callable[..., Any]:
        """The function of (who, v), and of more names, that gives the value of an expression."""
        arguments = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(name) for name in ("who", "v", *more)],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
        made: Callable[..., Any] = eval(compile(tree, "<profile>", "eval"), self._names)
        return made


def _is_bare(hole: Hole) -> bool:
    """Whether JSON has the hole's value without quotes."""
    return ("number", "") in hole.filters or (hole.name in (*TRUTHS, "chain") and not hole.filters)


def joined(pieces: list[ast.expr]) -> ast.expr:
    """The pieces of a text as one expression, neighbouring constants joined."""
    merged: list[ast.expr] = []
    for piece in pieces:
        if isinstance(piece, ast.JoinedStr):
            inner = [each.value if isinstance(each, ast.FormattedValue) else each for each in piece.values]
        else:
            inner = [piece]
        for each in inner:
            before = merged[-1] if merged else None
            if isinstance(each, ast.Constant) and isinstance(before, ast.Constant):
                merged[-1] = ast.Constant(str(before.value) + str(each.value))
            else:
                merged.append(each)
    if not merged:
        return ast.Constant("")
    if len(merged) == 1:
        return merged[0]
    return ast.JoinedStr(
        [each if isinstance(each, ast.Constant) else ast.FormattedValue(each, -1) for each in merged]
    )
