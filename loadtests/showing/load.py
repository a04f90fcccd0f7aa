"""What a load test prints: the verdict in a sentence, what it rests on, and where everything is.

The order is that of interest: the verdict; for INVALID the operations that clash, for UNKNOWN what would
settle it; outcomes and latencies; late sends; files.
"""

import json
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

from loadtests.latency import Latencies
from loadtests.load import Loaded
from loadtests.showing import verdict as show_verdict


def show(loaded: Loaded, console: Console, *, brief: bool = False) -> None:
    """The whole report; brief: its leading sentences."""
    show_verdict.show(loaded.verdict, loaded.history, console, brief=brief)
    if brief:
        return
    console.print()
    console.print(_latencies(loaded.latencies))
    plain = loaded.as_plain()
    sent = plain["operations"] - int(loaded.history.is_op("hold").sum())
    late_ms = loaded.plan.trace.traffic.late_ms.value
    console.print(
        f"{sent:,} requests on record; {plain['late']:,} left more than {late_ms:g} ms late", highlight=False
    )
    for gate in loaded.gates:
        if not gate.is_met:
            judged = "missed" if loaded.plan.options.gate == "all" else "missed, not asked for (--gate all)"
            console.print(f"gate {gate.name}: {judged}: {gate.says}", highlight=False, soft_wrap=True)
    console.print(
        f"in {loaded.folder}: history.parquet (every request), verdict.json, latency.hdr, locust/",
        soft_wrap=True,
        highlight=False,
    )


def _latencies(found: list[Latencies]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("answer")
    for name in ("number", "p50 ms", "p90", "p99", "p99.9", "max", "service p50", "p99"):
        table.add_column(name, justify="right")
    for each in found:
        plain = each.as_plain()
        due, served = plain["from_due_ms"], plain["service_ms"]
        if due:
            values = [due[key] for key in ("p50", "p90", "p99", "p99.9", "max")]
            values += [served["p50"], served["p99"]]
            table.add_row(each.outcome, f"{each.count:,}", *(f"{value:,.1f}" for value in values))
    table.caption = "from the due time; service: from the send"
    table.caption_justify = "left"
    return table


def as_json(loaded: Loaded) -> str:
    """Everything that was found, for programs."""
    return json.dumps(loaded.as_plain() | {"folder": str(loaded.folder)}, indent=1, ensure_ascii=False)


def junit(loaded: Loaded) -> bytes:
    """JUnit XML: a test case a finding and a gate. An anomaly is a failure, what is not known is an error."""
    cases = show_verdict.cases(loaded.verdict, loaded.history)
    if loaded.plan.options.gate == "all":
        for gate in loaded.gates:
            case = ElementTree.Element("testcase", classname="quotalab.gate", name=gate.name)
            if not gate.is_met:
                ElementTree.SubElement(case, "failure", type="gate", message=gate.says)
            cases.append(case)
    name = f"quotalab load {loaded.plan.trace.scenario}"
    return show_verdict.as_bytes(show_verdict.suite(name, cases, took_s=loaded.took_s))
