"""What a load test prints: the verdict in a sentence, what it rests on, and where everything is.

The order is that of interest: the verdict; for INVALID the operations that clash, for UNKNOWN what would
settle it; outcomes and latencies; late sends; files.
"""

import json
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.latency import Latencies
from loadtests.load import Loaded
from loadtests.verdict import Finding, Verdict, shown, timeline

COLOURS = {"VALID": "bold green", "INVALID": "bold red", "UNKNOWN": "bold yellow"}


def show(loaded: Loaded, console: Console, *, brief: bool = False) -> None:
    """The whole report; brief: its leading sentences."""
    verdict = loaded.verdict
    console.print(_headline(loaded), soft_wrap=True)
    for finding in (*verdict.of("INVALID"), *verdict.of("UNKNOWN")):
        _show_finding(loaded, finding, console)
    if brief:
        return
    for finding in verdict.of("VALID"):
        console.print(f"  {finding.check}: {finding.says}", soft_wrap=True, highlight=False)
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


def headline(verdict: Verdict) -> str:
    """The verdict as one sentence."""
    if verdict.judgement == "INVALID":
        worst = verdict.of("INVALID")
        also = f" (and {len(worst) - 1} more anomalies)" if len(worst) > 1 else ""
        return f"INVALID: {worst[0].anomaly}: {worst[0].says}{also}"
    if verdict.judgement == "UNKNOWN":
        unsettled = verdict.of("UNKNOWN")
        return f"UNKNOWN: {unsettled[0].says if unsettled else 'nothing was checked'}"
    return f"VALID: {len(verdict.findings)} checks found nothing wrong"


def _headline(loaded: Loaded) -> Text:
    said = headline(loaded.verdict)
    word, _, rest = said.partition(":")
    if loaded.verdict.judgement == "VALID":
        answers = {each.outcome: each.count for each in loaded.latencies}
        told = ", ".join(
            f"{answers[name]:,} {name.removeprefix('claim ')}"
            for name in ("claim granted", "claim full", "claim replayed", "claim duplicate")
            if name in answers
        )
        rest = f" {told}; no order of these answers breaks a rule that was checked"
    return Text.assemble((word, COLOURS[word]), ":", rest)


def _show_finding(loaded: Loaded, finding: Finding, console: Console) -> None:
    console.print(f"  {finding.check}: {finding.says}", soft_wrap=True, highlight=False)
    if finding.mend:
        console.print(f"      to settle it: {finding.mend}", soft_wrap=True, highlight=False)
    lines = timeline(loaded.history, shown(finding))
    for line in lines:
        console.print(Text(f"      {line}"), soft_wrap=True)
    if len(finding.witness) > len(lines):
        console.print(
            f"      and {len(finding.witness) - len(lines):,} more in verdict.json", highlight=False
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
    cases = []
    for finding in loaded.verdict.findings:
        case = ElementTree.Element("testcase", classname=f"quotalab.{finding.check}", name=_name(finding))
        if finding.judgement != "VALID":
            kind = "failure" if finding.judgement == "INVALID" else "error"
            said = ElementTree.SubElement(case, kind, type=finding.anomaly or "unknown", message=finding.says)
            said.text = "\n".join([finding.mend, *timeline(loaded.history, shown(finding))]).strip()
        cases.append(case)
    if loaded.plan.options.gate == "all":
        for gate in loaded.gates:
            case = ElementTree.Element("testcase", classname="quotalab.gate", name=gate.name)
            if not gate.is_met:
                ElementTree.SubElement(case, "failure", type="gate", message=gate.says)
            cases.append(case)
    suite = ElementTree.Element(
        "testsuite",
        name=f"quotalab load {loaded.plan.trace.scenario}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        time=f"{loaded.took_s:.1f}",
    )
    suite.extend(cases)
    ElementTree.indent(suite)
    written: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return written


def _name(finding: Finding) -> str:
    return finding.anomaly or finding.check
