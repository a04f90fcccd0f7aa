"""Steps compiled: one request of an operation as two functions, to build it and to classify its answer."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from loadtests.profiles.classify import Classify, classifier
from loadtests.profiles.exchange import Classified, Request, Who
from loadtests.profiles.records import ORDERS, Asking, Poll, Profile, Rule, Step
from loadtests.profiles.sources import cookies
from loadtests.profiles.templates import Compiler, joined, settled

Build = Callable[[Who, Mapping[str, str]], Request]

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
    classify = classifier(step, rules, compiler)
    if profile.cookies:
        build, classify = _with_cookies(build), _keeping_cookies(classify)
    return CompiledStep(name, build, classify, rules, step.poll)


def builder(asking: Asking, profile: Profile, prefix: str, compiler: Compiler) -> Build:
    """The function that builds the request: one expression, made of all its templates."""
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
    pairs: list[ast.expr] = [
        ast.Tuple([ast.Constant(name), compiler.text(value, "header")], ast.Load())
        for name, value in headers.values()
        if value  # an empty header takes one of the profile away
    ]
    fields = [ast.Constant(method), joined(path), ast.Tuple(pairs, ast.Load()), body]
    made = compiler.call(_NEW, compiler.named(Request), ast.Tuple(fields, ast.Load()))
    return compiler.function(made)


def _body(asking: Asking, compiler: Compiler) -> tuple[ast.expr, str]:
    """The expression of the body as bytes, and its content type; nothing for neither."""
    if asking.json_body is not None:
        return _encoded(compiler.json(asking.json_body)), "application/json"
    if asking.graphql is not None:
        word_for_word = {
            key: _braced(value) if key == "query" else value for key, value in asking.graphql.items()
        }
        return _encoded(compiler.json(word_for_word)), "application/json"
    if asking.form is not None:
        pieces: list[ast.expr] = []
        for number, (name, value) in enumerate(asking.form.items()):
            pieces += [ast.Constant("&")] if number else []
            pieces += [compiler.text(name, "form"), ast.Constant("="), compiler.text(value, "form")]
        return _encoded(joined(pieces)), "application/x-www-form-urlencoded"
    if asking.body is not None:
        return _encoded(compiler.text(asking.body)), ""
    return ast.Constant(b""), ""


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
