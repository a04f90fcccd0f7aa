"""A starter profile from an OpenAPI document: what can be guessed is filled in, and every guess says so.

The claim is the POST (or PUT) whose path and words sound most like taking something that runs out; the
release is the DELETE under it; the readings are GETs nearby. A person checks each line.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

from loadtests.profiles.documents import (
    Operation,
    answered,
    document_of,
    operations_of,
    properties,
    resolved,
)
from sim.errors import complaint

CLAIM_WORDS: Final = (
    "claim", "reserv", "book", "alloc", "quota", "slot", "ticket", "seat", "hold", "acquire", "enrol",
    "order",
)  # fmt: skip
APPLICANT_WORDS: Final = (
    "applicant",
    "user",
    "customer",
    "person",
    "account",
    "client",
    "owner",
    "member",
    "name",
)
SLOT_WORDS: Final = ("slot", "slot_id", "seat", "seat_id", "place", "number")
FIGURES: Final = {
    "cap": ("cap", "capacity", "limit", "total"),
    "used": ("used", "taken", "allocated", "reserved"),
    "held": ("held", "holders"),
    "available": ("remaining", "available", "left", "free"),
}
"""Reading -> names of the field that it may stand in; of several that are there the last is taken."""
MEANINGS: Final = {
    "200": ("granted", "check that it is a grant"),
    "201": ("granted", ""),
    "202": ("", "accepted, and decided later: add a second [[claim]] that polls, with go = \"again\""),
    "400": ("rejected", "if full is told so, put a rule with json or body before it"),
    "401": ("rejected", "the headers of this profile should prevent it"),
    "403": ("ineligible", ""),
    "404": ("rejected", ""),
    "406": ("full", "a guess"),
    "409": ("full", "a guess: 409 is often duplicate or conflict as well; tell them apart by json or body"),
    "410": ("closed", "a guess: full in some services"),
    "412": ("conflict", ""),
    "422": ("rejected", "if full is told so, put a rule with json or body before it"),
    "429": ("throttled", "full in some services"),
    "503": ("throttled", "only if nothing ever happens before a 503; error if unsure"),
    "507": ("full", "a guess"),
}  # fmt: skip


def starter(file: Path) -> str:
    """The text of a profile; raises BadInput if the file is no OpenAPI document or has nothing to claim."""
    document = document_of(file)
    operations = list(operations_of(document))
    claims = sorted(
        (each for each in operations if each.method in ("POST", "PUT")), key=_likeness, reverse=True
    )
    if not claims:
        raise complaint("the document has no POST and no PUT, so there is nothing to claim", file=str(file))
    claim = claims[0]
    title = str(document.get("info", {}).get("title", "a service"))
    lines = [
        f"# A starter from {file.name}. Lines marked CHECK are guesses; look at each, then run",
        "#     quotalab target check THIS-FILE",
        "format = 1",
        f"name = {_quoted(_slug(title))}",
        f"title = {_quoted(title)}",
        f"base_url = {_quoted(_server(document))} # CHECK",
        'slot = "answer" # or "applicant", if answers do not say which slot was given',
        "",
        *_errors(),
        *_secrets(document),
        *_claim(document, claim, claims[1:4]),
        *_release(document, claim, operations),
        *_readings(document, claim, operations),
        "[reset]",
        'says = "how to bring the service to a clean state" # or command = ["program", "argument"]',
        "",
        "[capabilities]",
        "idempotent = true # CHECK: the same key again gets the first answer",
        "conflicts = false # CHECK: a claim may fail for another's sake and has to be tried again",
    ]
    return "\n".join(lines) + "\n"


def _likeness(operation: Operation) -> int:
    """How much an operation sounds like a claim."""
    found = sum(2 for word in CLAIM_WORDS if word in operation.words)
    answers = operation.said.get("responses", {})
    return (
        found
        + sum(1 for status in ("201", "409", "429") if status in answers)
        - operation.path.count("{") // 3
    )


def _errors() -> list[str]:
    return [
        "# What answers mean where the rules of a step do not say it.",
        "rules = [",
        '    { status = 429, answer = "throttled" },',
        '    { status = [400, 401, 403, 404, 405, 415, 422], answer = "rejected" },',
        '    { status = "5xx", answer = "error" }, # the effect is unknown',
        "]",
        "",
    ]


def _secrets(document: dict[str, Any]) -> list[str]:
    schemes = document.get("components", {}).get("securitySchemes", {})
    lines = []
    for scheme in schemes.values():
        scheme = resolved(document, scheme)
        if scheme.get("type") == "http" and scheme.get("scheme") == "bearer":
            lines.append('Authorization = "Bearer ${SERVICE_TOKEN}"')
        elif scheme.get("type") == "http":
            lines.append(
                'Authorization = "Basic {login|base64}" # and under [variables]: login = "${SERVICE_LOGIN}"'
            )
        elif scheme.get("type") == "apiKey" and scheme.get("in") == "header":
            lines.append(f'{_key(str(scheme["name"]))} = "${{SERVICE_KEY}}"')
    if not lines:
        return []
    first, *others = dict.fromkeys(lines)
    needs_login = ["", "[variables]", 'login = "${SERVICE_LOGIN}"'] if "login" in first else []
    return ["[headers]", first, *(f"# or {line}" for line in others), *needs_login, ""]


def _claim(document: dict[str, Any], claim: Operation, others: list[Operation]) -> list[str]:
    lines = [
        f"# {claim.said.get('summary') or claim.said.get('operationId') or claim.path}".replace("\n", " ")
    ]
    lines += [f"# CHECK: it might be {each.method} {each.path} instead" for each in others]
    lines += [
        "[[claim]]",
        f"request = {_quoted(f'{claim.method} {_path(claim.path)}')}",
        *_parameters(document, claim),
    ]
    body = resolved(document, claim.said.get("requestBody", {}))
    for kind, content in body.get("content", {}).items():
        schema = resolved(document, content.get("schema", {}))
        fields = [
            f"{_key(name)} = {_guess(document, name, each)}" for name, each in properties(document, schema)
        ]
        key = "form" if "form" in kind else "json"
        if fields:
            lines.append(f"{key} = {{ {', '.join(fields)} }} # CHECK")
        break
    identity = _identity(document, claim)
    slot = next((each for each in answered(document, claim) if each.lower() in SLOT_WORDS), identity)
    lines.append(f'take = {{ slot = "json:{slot}", claim_id = "json:{identity}" }} # CHECK')
    return [*lines, *_rules(claim), ""]


def _guess(document: dict[str, Any], name: str, schema: dict[str, Any]) -> str:
    """What a field is given: who asks, where the name sounds so; else an example of its type."""
    low = name.lower()
    if "email" in low or schema.get("format") == "email":
        return '"{applicant|email}"'
    if schema.get("format") == "uuid":
        return '"{key}"' if "key" in low else '"{applicant|uuid5}"'
    if schema.get("type") in (None, "string") and any(word in low for word in APPLICANT_WORDS):
        return '"{applicant}"'
    if "key" in low and "idemp" in low:
        return '"{key}"'
    for word in ("stream", "intake", "certificate", "letter", "complete", "residence"):
        if word == low:
            return f'"{{{word}}}"'
    if "enum" in schema:
        return json.dumps(schema["enum"][0], ensure_ascii=False)
    given = {"integer": "1", "number": "1.0", "boolean": "true", "array": "[]", "object": "{}"}
    if schema.get("type") == "integer" and any(word in low for word in APPLICANT_WORDS):
        return '"{applicant|digits|number}"'
    return given.get(str(schema.get("type")), _quoted("text"))


def _parameters(document: dict[str, Any], operation: Operation) -> list[str]:
    """Headers and query parameters that the operation asks for."""
    found: dict[str, list[str]] = {"header": [], "query": []}
    for each in operation.said.get("parameters", []):
        parameter = resolved(document, each)
        name, place = str(parameter.get("name", "")), parameter.get("in")
        if place in found and (parameter.get("required") or "idemp" in name.lower()):
            guess = '"{key}"' if "idemp" in name.lower() else _guess(document, name, {"type": "string"})
            found[place].append(f"{_key(name)} = {guess}")
    names = {"header": "headers", "query": "query"}
    return [f"{names[place]} = {{ {', '.join(pairs)} }} # CHECK" for place, pairs in found.items() if pairs]


def _identity(document: dict[str, Any], operation: Operation) -> str:
    """The field of a good answer that names what was given."""
    names = answered(document, operation)
    named = sorted(names, key=lambda name: (not name.lower().endswith("id"), "slot" not in name.lower()))
    return named[0] if named else "id"


def _rules(operation: Operation) -> list[str]:
    answers = {str(status): each for status, each in operation.said.get("responses", {}).items()}
    lines = []
    for status in sorted(status for status in answers if status.isdecimal()):
        answer, doubt = MEANINGS.get(status, ("", "nothing is guessed for it"))
        told = " ".join(str(answers[status].get("description", "")).split())
        remark = "; ".join(part for part in (told, f"CHECK: {doubt}" if doubt else "") if part)
        rule = (
            f'{{ status = {status}, answer = "{answer}" }},' if answer else f"# {{ status = {status}, ... }},"
        )
        lines.append(f"    {rule}{f' # {remark}' if remark else ''}")
    if not any('"granted"' in line and "{" in line.split("#")[0] for line in lines):
        lines.insert(0, '    { status = "200-201", answer = "granted" }, # CHECK')
    return ["rules = [", *lines, "]"]


def _release(document: dict[str, Any], claim: Operation, operations: list[Operation]) -> list[str]:
    """The DELETE below the claim, if there is one."""
    below = [
        e
        for e in operations
        if e.method == "DELETE" and re.fullmatch(re.escape(claim.path.rstrip("/")) + r"/\{[^/]+\}/?", e.path)
    ]
    if not below:
        return ["# No release was found: a [[release]] gives back what a claim took.", ""]
    path = re.sub(r"\{[^{}]+\}(/?)$", r"{claim_id}\1", below[0].path)
    return [
        "[[release]]",
        f"request = {_quoted(f'DELETE {_path(path)}')}",
        *_parameters(document, below[0]),
        'rules = [{ status = "2xx", answer = "released" }, { status = 404, answer = "unheld" }] # CHECK',
        "",
    ]


def _readings(document: dict[str, Any], claim: Operation, operations: list[Operation]) -> list[str]:
    """The figures of what is claimed, and the list of its holders, as far as the document has them."""
    return [*_figures(document, claim, operations), *_list(document, claim, operations)]


def _figures(document: dict[str, Any], claim: Operation, operations: list[Operation]) -> list[str]:
    """Readings from a GET above the claim whose answer has fields of such names."""
    above = (each for each in operations if each.method == "GET" and claim.path.startswith(f"{each.path}/"))
    for each in sorted(above, key=lambda operation: -len(operation.path)):
        names = {name.lower(): name for name in answered(document, each)}
        found = {
            reading: names[word] for reading, words in FIGURES.items() for word in words if word in names
        }
        if found:
            request = _quoted(f"GET {_path(each.path)}")
            said = [f'{k} = {{ request = {request}, value = "json:{v}" }} # CHECK' for k, v in found.items()]
            return ["[readings]", *said, ""]
    return []


def _list(document: dict[str, Any], claim: Operation, operations: list[Operation]) -> list[str]:
    lists = [each for each in operations if each.method == "GET" and each.path == claim.path]
    if not lists:
        return [
            "# No list was found: [readings.holders] tells who holds a slot, [readings.used] how many.",
            "",
        ]
    return [
        "[readings.holders] # CHECK every line",
        f"request = {_quoted(f'GET {_path(lists[0].path)}')}",
        'entries = "json:" # or json:items, where the list is inside',
        'applicant = "json:applicant"',
        f'claim_id = "json:{_identity(document, claim)}"',
        '# page = { parameter = "offset", by = "items", size_parameter = "limit" }',
        "",
    ]


def _path(path: str) -> str:
    """The path with placeholders that a profile knows: {claim_id} stays, others become the intake."""
    return re.sub(r"\{([^{}]+)\}", lambda found: "{claim_id}" if found[1] == "claim_id" else "{intake}", path)


def _server(document: dict[str, Any]) -> str:
    servers = document.get("servers") or [{}]
    url = str(servers[0].get("url", "")) if isinstance(servers[0], dict) else ""
    if re.match(r"https?://[^{}]+$", url):
        return url
    return "http://127.0.0.1:8080" + (url.rstrip("/") if re.fullmatch(r"/[^{}\s]*", url) else "")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "a-service"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
