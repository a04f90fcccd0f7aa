"""Filters: how an applicant, or any other text, appears in a request; and the way back from a list.

A *filter* is a pure function from text to text, named in a placeholder as in {applicant|email:example.org}.
Most cannot be undone, so the *way back* is a table: every applicant of the run goes through the filters once,
and what the service lists is looked up in it.
"""

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import quote

Filter = Callable[[str], str]

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "quotalab.invalid")
_DIGESTS: Final = ("md5", "sha1", "sha256", "sha512")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.~-]").search
_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")


def quoted(text: str) -> str:
    """The text as one piece of a path or of a query; nothing happens to most."""
    if text.isascii() and text.isalnum():  # quicker than the expression, and true of most
        return text
    return quote(text, safe="") if _UNSAFE(text) else text


def slug(text: str) -> str:
    """Small letters, digits and single hyphens."""
    return _NOT_SLUG.sub("-", text.lower()).strip("-")


def _email(argument: str) -> Filter:
    domain = argument or "applicants.invalid"  # a name that no mail can reach
    return lambda text: f"{slug(text)}@{domain}"


def _uuid5(argument: str) -> Filter:
    space = uuid.uuid5(NAMESPACE, argument) if argument else NAMESPACE
    return lambda text: str(uuid.uuid5(space, text))


def _hash(argument: str) -> Filter:
    """hash, hash:md5, hash:12 (the first 12 digits), hash:md5-12."""
    name, _, digits = argument.rpartition("-")
    if not name and not digits.isdecimal():
        name, digits = digits, ""
    digest, length = name or "sha256", int(digits) if digits else None
    if digest not in _DIGESTS or length == 0:
        raise ValueError(f"hash takes {', '.join(_DIGESTS)}, a number of digits, or both as in md5-12")
    return lambda text: hashlib.new(digest, text.encode(), usedforsecurity=False).hexdigest()[:length]


def _digits(argument: str) -> Filter:
    """A whole number of so many digits that stands for the text; 15 if not said, which JSON keeps exact."""
    length = int(argument) if argument.isdecimal() else 15
    if not 4 <= length <= 18 or not (argument.isdecimal() or not argument):
        raise ValueError("digits takes a length from 4 to 18")
    return lambda text: str(int(hashlib.sha256(text.encode()).hexdigest(), 16) % 10**length)


def _plain(function: Filter) -> Callable[[str], Filter]:
    def made(argument: str) -> Filter:
        if argument:
            raise ValueError("takes nothing after a colon")
        return function

    return made


def _next(text: str) -> str:
    """The number after this one, for a counter that is read and written back."""
    return str(int(text) + 1)


FILTERS: Final[dict[str, Callable[[str], Filter]]] = {
    "raw": _plain(lambda text: text),
    "slug": _plain(slug),
    "email": _email,
    "uuid5": _uuid5,
    "hash": _hash,
    "digits": _digits,
    "lower": _plain(str.lower),
    "upper": _plain(str.upper),
    "base64": _plain(lambda text: base64.b64encode(text.encode()).decode()),
    "next": _plain(_next),
    "number": _plain(lambda text: text),  # in JSON: written without quotes; see templates.py
}
"""Name -> what makes the filter from the text after its colon; ValueError if that is not right."""


def filter_of(name: str, argument: str) -> Filter:
    """The filter of a placeholder; KeyError if there is none of the name, ValueError for its argument."""
    return FILTERS[name](argument)


def chained(filters: Iterable[Filter]) -> Filter:
    """One filter after the other, as one."""
    first, *rest = list(filters) or [lambda text: text]
    if not rest:
        return first

    def applied(text: str) -> str:
        text = first(text)
        for each in rest:
            text = each(text)
        return text

    return applied


def way_back(forward: Filter, applicants: Iterable[str]) -> dict[str, str]:
    """As a service lists them -> the applicants; two that look the same are a fault of the profile."""
    table: dict[str, str] = {}
    for applicant in applicants:
        other = table.setdefault(forward(applicant), applicant)
        if other != applicant:
            raise ValueError(f"{applicant} and {other} are both listed as {forward(applicant)}")
    return table
