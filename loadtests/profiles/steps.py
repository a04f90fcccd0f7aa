"""Steps compiled: one request of an operation as two functions, to build it and to classify its answer."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from loadtests.profiles.classify import Classify, classifier
from loadtests.profiles.exchange import WITH_BODY, Classified, Request, Who
from loadtests.profiles.records import ORDERS, Asking, Poll, Profile, Rule, Step
from loadtests.profiles.sources import cookies
from loadtests.profiles.templates import Compiler, joined, settled

Build = Callable[[Who, Mapping[str, str]], Request]
Message = Callable[[Who, Mapping[str, str], str], str]

JAR: Final = "cookie jar"
"""The variable that holds an applicant's cookies; no placeholder can name it."""

_NEW: Final = tuple.__new__
_DONE: Final = Rule(status="2xx", go="next")


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """One request of an operation, and what its answers mean."""

    name: str
    """The operation and the number of the step: claim 1."""
    request: Build
    """(who, variables) -> Request."""
    message: Message | None
    """(who, variables, line of the host) -> the whole message as text, for most steps: `request` and what the
    client makes of it in a single expression. It is right if it is all ASCII; if not, `request` is."""
    classify: Classify
    """(status, headers, body, variables, who) -> Classified; headers by their names in small letters."""
    rules: tuple[Rule, ...]
    """The rules as they are tried, for people."""
    poll: Poll
    """How the step is repeated."""


def compiled(name: str, step: Step, profile: Profile, prefix: str, compiler: Compiler) -> CompiledStep:
    """A step of a profile; without any rules of its own, any 2xx goes on."""
    commands = name.split()[0] in ("setup", "enrol", *ORDERS)
    own = step.rules or ((_DONE,) if commands else ())
    rules = (*own, *profile.rules)
    build = builder(step, profile, prefix, compiler)
    message = _message(step, profile, prefix, compiler)
    classify = classifier(step, rules, compiler)
    if profile.cookies:
        build, message, classify = _with_cookies(build), None, _keeping_cookies(classify)
    return CompiledStep(name, build, message, classify, rules, step.poll)


def builder(asking: Asking, profile: Profile, prefix: str, compiler: Compiler) -> Build:
    """The function that builds the request: one expression, made of all its templates."""
    method, path, headers, body = _pieces(asking, profile, prefix, compiler)
    pairs: list[ast.expr] = [
        ast.Tuple([ast.Constant(name), value], ast.Load()) for name, value in headers.items()
    ]
    fields = [ast.Constant(method), path, ast.Tuple(pairs, ast.Load()), _encoded(body)]
    made = compiler.call(_NEW, compiler.named(Request), ast.Tuple(fields, ast.Load()))
    return compiler.function(made)


def _message(asking: Asking, profile: Profile, prefix: str, compiler: Compiler) -> Message | None:
    """The function that builds the whole message; None where the client has to look at each request.

    What stands in holes cannot break a line or the path: it was escaped for its place. What the profile says
    itself is looked at here, once. A text that is all ASCII has as many bytes as letters.
    """
    method, path, headers, body = _pieces(asking, profile, prefix, compiler)
    lines = [ast.Constant(method), *map(ast.Constant, headers), *headers.values()]
    is_plain = not _says(path, " \r\n") and not any(_says(each, "\r\n") for each in lines)
    has_length = method in WITH_BODY or (isinstance(body, ast.Constant) and method != "HEAD")
    if not is_plain or not has_length:
        return None
    pieces: list[ast.expr] = [ast.Constant(f"{method} "), path, ast.Constant(" HTTP/1.1\r\n")]
    pieces.append(ast.Name("host", ast.Load()))
    for name, value in headers.items():
        pieces += [ast.Constant(f"{name}: "), value, ast.Constant("\r\n")]
    if isinstance(body, ast.Constant):
        count = len(str(body.value))
        length = f"Content-Length: {count}\r\n" if count or method in WITH_BODY else ""
        return compiler.function(joined([*pieces, ast.Constant(length + "\r\n"), body]), "host")
    counted = compiler.call(len, ast.NamedExpr(ast.Name("body", ast.Store()), body))
    pieces += [ast.Constant("Content-Length: "), counted, ast.Constant("\r\n\r\n")]
    return compiler.function(joined([*pieces, ast.Name("body", ast.Load())]), "host")


def _says(text: ast.expr, letters: str) -> bool:
    """Whether a constant stretch of a text has any of these letters."""
    constants = [each.value for each in ast.walk(text) if isinstance(each, ast.Constant)]
    return any(letter in each for each in constants if isinstance(each, str) for letter in letters)


def _pieces(
    asking: Asking, profile: Profile, prefix: str, compiler: Compiler
) -> tuple[str, ast.expr, dict[str, ast.expr], ast.expr]:
    """The method, and the expressions of path, headers and body as text."""
    method, _, target = asking.request.partition(" ")
    path: list[ast.expr] = [ast.Constant(prefix), compiler.text(target, "url")]
    for number, (name, value) in enumerate(asking.query.items()):
        mark = "?" if not number and "?" not in target else "&"
        path += [
            ast.Constant(mark),
            compiler.text(name, "parameter"),
            ast.Constant("="),
            compiler.text(value, "parameter"),
        ]
    body, kind = _body(asking, compiler)
    headers = {name.lower(): (name, value) for name, value in profile.headers.items()}
    if kind and "content-type" not in headers:
        headers["content-type"] = ("Content-Type", kind)
    headers |= {name.lower(): (name, value) for name, value in asking.headers.items()}
    # An empty header takes one of the profile away.
    said = {name: compiler.text(value, "header") for name, value in headers.values() if value}
    return method, joined(path), said, body


def _body(asking: Asking, compiler: Compiler) -> tuple[ast.expr, str]:
    """The expression of the body as text, and its content type; nothing for neither."""
    if asking.json_body is not None:
        return compiler.json(asking.json_body), "application/json"
    if asking.graphql is not None:
        word_for_word = {
            key: _braced(value) if key == "query" else value for key, value in asking.graphql.items()
        }
        return compiler.json(word_for_word), "application/json"
    if asking.form is not None:
        pieces: list[ast.expr] = []
        for number, (name, value) in enumerate(asking.form.items()):
            pieces += [ast.Constant("&")] if number else []
            pieces += [compiler.text(name, "form"), ast.Constant("="), compiler.text(value, "form")]
        return joined(pieces), "application/x-www-form-urlencoded"
    if asking.body is not None:
        return compiler.text(asking.body), ""
    return ast.Constant(""), ""


def _braced(text: Any) -> Any:
    return text.replace("{", "{{").replace("}", "}}") if isinstance(text, str) else text


def _encoded(text: ast.expr) -> ast.expr:
    if isinstance(text, ast.Constant):
        return ast.Constant(str(text.value).encode())
    return ast.Call(ast.Attribute(text, "encode", ast.Load()), [], [])


def _with_cookies(build: Build) -> Build:
    def request(who: Who, variables: Mapping[str, str]) -> Request:
        made = build(who, variables)
        jar = variables.get(JAR)
        return made._replace(headers=(*made.headers, ("Cookie", jar))) if jar else made

    return request


def _keeping_cookies(classify: Classify) -> Classify:
    def classified(
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        variables: Mapping[str, str],
        who: Who | None = None,
    ) -> Classified:
        found = classify(status, headers, body, variables, who)
        new = cookies(headers.get("set-cookie", ""))
        if not new:
            return found
        kept = dict(each.split("=", 1) for each in variables.get(JAR, "").split("; ") if each) | new
        jar = "; ".join(f"{name}={value}" for name, value in kept.items() if value)
        return found._replace(extracted={**found.extracted, JAR: jar})

    return classified


def constants(texts: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of a profile, as the environment settles them."""
    return {name: settled(text, environment) for name, text in texts.items()}
