"""The description of a model and its experiment as Markdown; every number is taken from its data."""

import json
from collections.abc import Iterable
from typing import Any

Data = dict[str, Any]


def markdown(found: Data) -> str:
    """The whole description."""
    parts = [
        f"# {_text(found['title'])}",
        f"Model and experiment of the scenario `{found['name']}`, in the order of STRESS-DES.",
        *_objectives(found["objectives"]),
        *_logic(found["logic"]),
        *_data(found["data"]),
        *_experiment(found["experiment"]),
        *_implementation(found["implementation"]),
        *_code(found["code"]),
    ]
    return "\n\n".join(parts) + "\n"


def table(headers: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    """A table; cells are text in which nothing is taken for markup of a table."""
    lines = [" | ".join(headers), " | ".join("---" for _ in headers)]
    lines += [" | ".join(_cell(each) for each in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _objectives(found: Data) -> list[str]:
    outputs = ((f"`{o['measure']}`", o["unit"], o["better"], o["meaning"]) for o in found["outputs"])
    return [
        "## 1. Objectives",
        f"{found['question']} Policies: {', '.join(f'`{name}`' for name in found['policies'])}.",
        "### Limits to be met",
        _labelled(found["limits"]),
        "### Outputs",
        "One value a replication and policy; a suffix, `/2022` or `/stream=NAME`, names a part of the whole.",
        table(("measure", "unit", "better", "meaning"), outputs),
    ]


def _logic(found: Data) -> list[str]:
    phases = ((each["order"], f"`{each['name']}`", each["what"]) for each in found["phases"])
    turns = ((each["order"], f"`{each['name']}`", each["what"]) for each in found["turns"])
    said = [
        "## 2. Logic",
        "### Base model",
        _text(found["overview"]),
        *map(_text, found["rules"]),
        "### Simultaneous events",
        f"Of one second, phase by phase; {found['ties']}.",
        table(("order", "phase", "what happens"), phases),
        "Turns of the calendar in one second, in this order.",
        table(("order", "turn", "what happens"), turns),
        "### Policies",
    ]
    for policy in found["policies"]:
        said += _policy(policy)
    return said


def _policy(found: Data) -> list[str]:
    seen = f" Seen in: {_text(found['seen_in'])}." if found["seen_in"] else ""
    summary = _text(found["summary"]) or "no summary"
    beside = f" Only keys that differ from `{found['beside']}`." if found["beside"] else ""
    switches = ((f"`{key}`", value) for key, value in found["switches"].items())
    keys = [_keys(found["keys"])] if found["keys"] else ["No key differs."]
    return [
        f"#### Policy `{found['name']}`",
        f"{summary}.{seen}{beside}",
        *keys,
        "The allocator's switches that follow from it and from the programme.",
        table(("switch", "value"), switches),
    ]


def _data(found: Data) -> list[str]:
    bases = ", ".join(f"{count} {basis}" for basis, count in found["by_basis"].items())
    return [
        "## 3. Data",
        f"{found['labelled']} numbers are labelled ({bases}); {found['uncertain']} have a range, from "
        "which they are drawn (triangular: low, value, high) where the assumptions are drawn. A key that the "
        "file does not give has its default.",
        _labelled(found["keys"]),
    ]


def _experiment(found: Data) -> list[str]:
    if found["precision_asked"] is not None:
        asked = f"{found['fewest']} to {found['most']}, by a precision of {found['precision_asked']}"
    else:
        asked = f"{found['replications_asked']}"
    rows = [
        ("seed", found["seed"]),
        ("replications asked for", asked),
        ("replications made", found["replications"]),
        ("of these stopped because", found["stopped"]),
        ("complete", found["complete"]),
        ("replications with the assumptions drawn", found["replications_with_assumptions"]),
        ("uncertain numbers", found["uncertain_numbers"]),
        ("replications at either end of each uncertain number", found["register_replications"]),
        ("replications of the search for the demand that binds, at most", found["binding_replications"]),
        ("first day", found["starts"]),
        ("last day", found["ends"]),
        ("days", found["days"]),
        ("time zone", found["time_zone"]),
        ("warm-up, days", found["warm_up_days"]),
    ]
    streams = ", ".join(f"`{name}`" for name in found["random_streams"])
    return [
        "## 4. Experimentation",
        table(("what", "value"), rows),
        "There is no warm-up: the question is about these very years, which begin with "
        f"{found['backlog']:,.0f} people who hold a certificate already. What has not happened by the "
        "last day is not known: it is counted as open, or enters estimates as censored.",
        "All chance is drawn with the population, from named random streams: a generator PCG64DXSM seeded by "
        f"seed, replication and the name PURPOSE/COHORT. Purposes: {streams}. Cohorts: "
        f"{', '.join(found['cohorts'])}. So every policy meets the same people with the same luck.",
        f"Intervals of means are Student's t over replications at {found['level']:.0%}; percentiles are "
        f"given from {found['for_percentiles']} replications on, BCa bootstrap intervals from "
        f"{found['for_bca']}, and simultaneous intervals by the largest |t| from {found['for_max_t']} "
        "(Bonferroni below).",
    ]


def _implementation(found: Data) -> list[str]:
    machine, versions = found["machine"], found["versions"]
    rows = [
        *((name, version) for name, version in versions.items()),
        *((f"machine: {name}", value) for name, value in machine.items()),
        ("commit", found["commit"]),
        ("SHA-256 of the simulation's code", found["model_sha256"]),
        ("kernels", found["kernels"]),
        ("started", found["started"]),
        ("ended", found["ended"]),
    ]
    said = [
        "## 5. Implementation",
        table(("what", "value"), rows),
        "Institutions are SimPy processes, people are rows of NumPy arrays. Blocks of replications go to "
        "the workers of joblib, on one machine or a Dask cluster. Neither the number of workers, nor the "
        "blocks, nor compiled kernels change a byte of the results.",
    ]
    if found["earlier_sessions"]:
        rows_before = (
            (each["started"], each["ended"], each["replications"], each["commit"])
            for each in found["earlier_sessions"]
        )
        said += ["Earlier sessions.", table(("started", "ended", "replications", "commit"), rows_before)]
    return said


def _code(found: Data) -> list[str]:
    rows = [(name.replace("_", " "), value) for name, value in found.items() if name != "command"]
    return [
        "## 6. Code access",
        table(("what", "value"), rows),
        "The same again:",
        f"```sh\n{found['command']}\n```",
    ]


def _labelled(rows: list[Data]) -> str:
    """Keys with where their numbers come from."""
    headers = ("key", "value", "low", "high", "basis", "source", "note", "meaning")
    return table(headers, ((f"`{k['key']}`", _given(k), *(k[name] for name in headers[2:])) for k in rows))


def _keys(rows: list[Data]) -> str:
    return table(("key", "value", "meaning"), ((f"`{k['key']}`", _given(k), k["meaning"]) for k in rows))


def _given(row: Data) -> str:
    """A value, and whether it is the default."""
    value = "none" if row["value"] is None or row["value"] == [] else _cell(row["value"])
    return value if row["given"] else f"{value} (default)"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(value).replace("\\|", "|").replace("|", "\\|")
    if isinstance(value, list):
        return ", ".join(_cell(each) for each in value)
    return json.dumps(value, ensure_ascii=False).replace("|", "\\|")


def _text(text: str) -> str:
    """Text on one line that opens no heading, list or HTML."""
    return " ".join(text.split()).replace("<", "&lt;")
