"""A starter profile from an OpenAPI document: what can be guessed is filled in, and every guess says so.

The claim is the POST (or PUT) whose path and words sound most like taking something that runs out; the
release is the DELETE under it; the readings are GETs nearby. A person checks each line.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from sim.errors import complaint

METHODS: Final = ("get", "post", "put", "patch", "delete")
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


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    said: Mapping[str, Any]

    @property
    def words(self) -> str:
        told = (self.said.get(key, "") for key in ("operationId", "summary"))
        return " ".join([self.path, *map(str, told)]).lower()


def starter(file: Path) -> str:
    """The text of a profile; raises BadInput if the file is no OpenAPI document or has nothing to claim."""
    document = _document(file)
    operations = list(_operations(document))
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


def _document(file: Path) -> dict[str, Any]:
    """The document, its references left in place."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise complaint(f"it cannot be read: {error}", file=str(file)) from None
    try:
        document = json.loads(text)
    except ValueError as error:
        mend = "convert it to JSON first" if file.suffix in (".yaml", ".yml") else ""
        raise complaint(f"this is not JSON: {error}", file=str(file), mend=mend) from None
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise complaint("this is not an OpenAPI document: it has no paths", file=str(file))
    return document


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        shared = item.get("parameters", []) if isinstance(item, dict) else []
        for method in METHODS:
            said = item.get(method) if isinstance(item, dict) else None
            if isinstance(said, dict):
                yield Operation(
                    method.upper(), path, said | {"parameters": [*shared, *said.get("parameters", [])]}
                )


def _likeness(operation: Operation) -> int:
    """How much an operation sounds like a claim."""
    found = sum(2 for word in CLAIM_WORDS if word in operation.words)
    answers = operation.said.get("responses", {})
    return (
        found
        + sum(1 for status in ("201", "409", "429") if status in answers)
        - operation.path.count("{") // 3
    )


def _resolved(document: dict[str, Any], node: Any) -> dict[str, Any]:
    """A piece of the document, its reference followed; {} where there is none."""
    for _ in range(8):
        if not isinstance(node, dict) or "$ref" not in node:
            break
        target: Any = document
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            target = (
                target.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, dict) else {}
            )
        node = target
    return node if isinstance(node, dict) else {}


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
        scheme = _resolved(document, scheme)
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
    body = _resolved(document, claim.said.get("requestBody", {}))
    for kind, content in body.get("content", {}).items():
        schema = _resolved(document, content.get("schema", {}))
        fields = [
            f"{_key(name)} = {_guess(document, name, each)}" for name, each in _properties(document, schema)
        ]
        key = "form" if "form" in kind else "json"
        if fields:
            lines.append(f"{key} = {{ {', '.join(fields)} }} # CHECK")
        break
    identity = _identity(document, claim)
    lines.append(f'take = {{ slot = "json:{identity}", claim_id = "json:{identity}" }} # CHECK')
    return [*lines, *_rules(claim), ""]


def _properties(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The properties that a body needs; all of them if the schema requires none."""
    required = schema.get("required") or list(schema.get("properties", {}))
    for name, each in schema.get("properties", {}).items():
        if name in required:
            yield name, _resolved(document, each)


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
        parameter = _resolved(document, each)
        name, place = str(parameter.get("name", "")), parameter.get("in")
        if place in found and (parameter.get("required") or "idemp" in name.lower()):
            guess = '"{key}"' if "idemp" in name.lower() else _guess(document, name, {"type": "string"})
            found[place].append(f"{_key(name)} = {guess}")
    names = {"header": "headers", "query": "query"}
    return [f"{names[place]} = {{ {', '.join(pairs)} }} # CHECK" for place, pairs in found.items() if pairs]


def _identity(document: dict[str, Any], operation: Operation) -> str:
    """The field of a good answer that names what was given."""
    for status in ("201", "200", "202"):
        answer = _resolved(document, operation.said.get("responses", {}).get(status, {}))
        for content in answer.get("content", {}).values():
            names = list(_resolved(document, content.get("schema", {})).get("properties", {}))
            named = sorted(
                names, key=lambda name: (not name.lower().endswith("id"), "slot" not in name.lower())
            )
            if named:
                return named[0]
    return "id"


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
    """The list of what was claimed, if the document has one; figures are left to a person."""
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
