"""Rules unrolled: those that a status leaves, as one function of straight code, made when the status comes.

Most rules look at a header or at a key at the top of the JSON document; such a *look* is written out, and so
is the taking of such a key. Everything else is called. What a profile says stands in the code by a name for
its value, so nothing of it is ever read as code.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from loadtests.profiles.exchange import Classified
from loadtests.profiles.sources import Answered, Get, as_text
from loadtests.protocol import result_of

Test = Callable[[Answered], bool]

UNMATCHED: Final = Classified("unmatched", result_of("unmatched"))
_INDENT: Final = "    "


class HeaderIs(NamedTuple):
    """A look at a header: it is this text."""

    name: str
    text: str


class KeyIs(NamedTuple):
    """A look at a key at the top of the document: its value is this, as text."""

    key: str
    text: str


class KeyMatches(NamedTuple):
    """A look at a key at the top of the document: this finds something in its value, as text."""

    key: str
    find: Callable[[str], Any]


Look = HeaderIs | KeyIs | KeyMatches


class Taken(NamedTuple):
    """A part of the answer that a rule takes."""

    name: str
    """The field of Classified, or the variable."""
    key: str | None
    """The key at the top of the document that it stands under; None for any other source."""
    get: Get
    """How it is fetched, if not by the key."""
    read: Callable[[Any], Any]
    """What it is read as."""
    is_due: bool
    """Whether an answer without it breaks what the rule promises."""
    source: str
    """As the profile names it."""


class Rule(NamedTuple):
    """A rule, ready to be tried."""

    statuses: frozenset[int]
    tests: tuple[Test | Look, ...]
    needs_document: bool
    base: Classified
    """What it concludes, without what it takes."""
    takes: tuple[Taken, ...]
    extracts: tuple[Taken, ...]
    may_wait: bool
    """Whether Retry-After counts."""
    every_s: float | None
    """The pause of a step that is asked again; None for any other."""


class _Names(dict[str, Any]):
    """The names of the code and what they stand for."""

    def of(self, value: Any) -> str:
        name = f"_{len(self)}"
        self[name] = value
        return name


def unrolled(
    rules: Sequence[Rule], retry_after_s: Callable[[Mapping[str, str]], float | None]
) -> Callable[..., Classified]:
    """(status, headers, body, variables, who) -> Classified, by the rules of one status."""
    names = _Names(
        from_json=from_json, new=tuple.__new__, Answered=Answered, Classified=Classified, as_text=as_text
    )
    names |= {"UNMATCHED": UNMATCHED, "broken": broken_promise, "retry_after_s": retry_after_s, "NONE": {}}
    code = ["def classify(status, headers, body, variables, who):"]
    if any(rule.needs_document for rule in rules):
        code += [
            "    try:",
            "        document = from_json(body)",
            "    except ValueError:",  # it is no JSON
            "        document = None",
            "    at = document.get if type(document) is dict else NONE.get",
        ]
    else:
        code.append("    document = None")
    if any(_calls(rule) for rule in rules):
        code.append("    answered = new(Answered, (status, headers, body, document, variables, who))")
    for rule in rules:
        code += _tried(rule, names)
    code.append("    return UNMATCHED")
    plain = dict(names)  # names are looked up more slowly in any other kind of dict
    exec(compile("\n".join(code), "<rules>", "exec"), plain)
    made: Callable[..., Classified] = plain["classify"]
    return made


def broken_promise(number: int, source: str) -> Classified:
    """A rule held, and the answer does not say what it must."""
    note = f"the answer has no {source}"
    return Classified("unmatched", result_of("unmatched"), rule=number, note=note)


def _calls(rule: Rule) -> bool:
    """Whether anything of the rule has to be called with the whole answer."""
    is_looked_at = all(isinstance(test, Look) for test in rule.tests)
    return not is_looked_at or any(each.key is None for each in (*rule.takes, *rule.extracts))


def _tried(rule: Rule, names: _Names) -> list[str]:
    """The lines of one rule."""
    tests = " and ".join(_tested(test, names) for test in rule.tests)
    fields = {name: names.of(value) for name, value in rule.base._asdict().items() if value is not None}
    lines = []
    for taken in rule.takes:
        lines += _taken(taken, f"take_{taken.name}", rule, names)
        fields[taken.name] = f"take_{taken.name}"
    pairs = []
    for number, taken in enumerate(rule.extracts):
        lines += _taken(taken, f"extract_{number}", rule, names)
        pairs.append(f"{names.of(taken.name)}: extract_{number}")
    if pairs:
        fields["extracted"] = f"{{{', '.join(pairs)}}}"
    if rule.may_wait:
        lines.append("wait_s = retry_after_s(headers) if 'retry-after' in headers else None")
        fields["retry_after_s"] = "wait_s"
    if rule.every_s is not None:
        every_s = names.of(rule.every_s)
        fields["poll_s"] = f"{every_s} if wait_s is None else wait_s" if rule.may_wait else every_s
    in_order = ", ".join(fields.get(name, "None") for name in Classified._fields)
    lines.append(f"return new(Classified, ({in_order}))")
    if not tests:
        return [_INDENT + line for line in lines]
    return [f"{_INDENT}if {tests}:", *(2 * _INDENT + line for line in lines)]


def _tested(test: Test | Look, names: _Names) -> str:
    """The expression of a test."""
    if isinstance(test, HeaderIs):
        return f"headers.get({names.of(test.name)}) == {names.of(test.text)}"
    if isinstance(test, KeyIs):
        text = names.of(test.text)
        found = f"type(found := at({names.of(test.key)})) is str"
        return f"(found == {text} if {found} else found is not None and as_text(found) == {text})"
    if isinstance(test, KeyMatches):
        find, key = names.of(test.find), names.of(test.key)
        text = "found if type(found) is str else as_text(found)"
        return f"((found := at({key})) is not None and {find}({text}) is not None)"
    return f"{names.of(test)}(answered)"


def _taken(taken: Taken, name: str, rule: Rule, names: _Names) -> list[str]:
    """The lines that put a part of the answer under a name."""
    fetched = f"at({names.of(taken.key)})" if taken.key is not None else f"{names.of(taken.get)}(answered)"
    lines = [f"{name} = {fetched}"]
    if taken.is_due:
        lines.append(f"if {name} is None: return broken({rule.base.rule}, {names.of(taken.source)})")
    read = f"{names.of(taken.read)}({name})"
    if taken.read is as_text:
        lines.append(f"if type({name}) is not str and {name} is not None: {name} = {read}")
    else:
        lines.append(f"if {name} is not None: {name} = {read}")
    return lines
