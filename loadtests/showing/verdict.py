"""A verdict in words, for the terminal, for an assertion's message, and for CI.

    INVALID: over-cap: ...     the verdict and its reason in a sentence
        [---]  ...             for INVALID what clashes, as small as it was found, drawn
      bounds: ...              the findings, the gravest first: what was found wrong, or not settled and what
      receipts: ...            would settle it; what was checked, by which argument, and found right

Load tests and judged files are shown alike.
"""

from collections.abc import Sequence
from typing import Any, Final
from xml.etree import ElementTree

from rich.console import Console
from rich.text import Text

from loadtests import clash as clashes
from loadtests import verdict as verdicts
from loadtests.checking import NAMES
from loadtests.checks import audit
from loadtests.checks.understood import is_audited
from loadtests.clash import Clash
from loadtests.history import History
from loadtests.verdict import Finding, Judgement, Verdict, shown, timeline

COLOURS: Final = {"VALID": "bold green", "INVALID": "bold red", "UNKNOWN": "bold yellow"}
TOLD: Final = ("granted", "full", "replayed", "duplicate")
"""Answers to claims that the sentence of a VALID verdict counts."""
SHOWN: Final[tuple[Judgement, ...]] = ("INVALID", "UNKNOWN")
"""What is told of at length, the gravest first."""


def clash_of(verdict: Verdict, history: History) -> Clash | None:
    """What clashes, if it is INVALID; worked out once."""
    return history.derived("clash", lambda whole: _smallest(whole, verdict))


def _smallest(history: History, verdict: Verdict) -> Clash | None:
    if verdict.judgement != "INVALID":
        return None
    try:
        return clashes.smallest(history, verdict)
    except Exception:  # the verdict stands without a drawing
        return None


def leading(verdict: Verdict, history: History) -> Finding | None:
    """The finding that makes the verdict what it is: the most telling of the gravest; None if it is VALID."""
    if verdict.judgement == "VALID":
        return None
    grave = verdict.of(verdict.judgement)
    clash = clash_of(verdict, history)
    grave.sort(key=lambda each: (clash is None or each.says != clash.says, each.check != "linearizability"))
    return grave[0] if grave else Finding("", "UNKNOWN", "nothing was checked")


def headline(verdict: Verdict, history: History) -> str:
    """The verdict as one sentence."""
    lead = leading(verdict, history)
    if lead is not None and verdict.judgement == "INVALID":
        others = {each.anomaly: None for each in verdict.of("INVALID") if each.anomaly != lead.anomaly}
        also = f" (also {', '.join(others)})" if others else ""
        return f"INVALID: {lead.anomaly}: {lead.says}{also}"
    if lead is not None:
        return f"UNKNOWN: {lead.says}"
    is_claim = history.is_op("claim")
    counts = {answer: int((is_claim & history.is_answer(answer)).sum()) for answer in TOLD}
    told = ", ".join(f"{count:,} {answer}" for answer, count in counts.items() if count) or "no claims"
    has_order = any(finding.order is not None for finding in verdict.findings)
    explained = "one order of the operations explains every answer"
    return f"VALID: {told}; {explained if has_order else 'what was checked found nothing wrong'}"


def as_plain(verdict: Verdict, history: History) -> dict[str, Any]:
    """The verdict as verdict.json has it: with its sentence, and with what clashes."""
    clash = clash_of(verdict, history)
    told = {"says": headline(verdict, history), "clash": None if clash is None else clashes.as_plain(clash)}
    return verdicts.as_plain(verdict, history) | told


def lines(verdict: Verdict, history: History, *, brief: bool = False) -> list[str]:
    """What comes below the sentence; brief: only what makes the verdict what it is."""
    lead, clash = leading(verdict, history), clash_of(verdict, history)
    found: list[str] = []
    if clash is not None:
        found += [f"      {line}" for line in clashes.timeline(clash)[1:]]  # the sentence is said
    elif lead is not None:
        found += _told(lead, history)[1:]  # the sentence says the rest
    kinds: tuple[Judgement, ...] = ("INVALID",) if verdict.judgement == "INVALID" and brief else SHOWN
    for finding in (each for kind in kinds for each in verdict.of(kind) if each is not lead):
        told = _told(finding, history)
        found += told if clash is None or finding.judgement == "UNKNOWN" else told[:1]
    if brief:
        return found
    fine = (*verdict.of("VALID"), *verdict.of("NOTED"))
    found += [f"  {each.check}: {each.says}" for each in fine]
    if all(each.check != "audit" for each in verdict.findings):
        found.append(f"  audit: {_unaudited(verdict, history)}")
    return found


def _unaudited(verdict: Verdict, history: History) -> str:
    """Why there is no audit; a verdict that lacks other checks too is one of which some only were asked."""
    asked = {each.check for each in verdict.findings}
    if is_audited(history) or not asked.issuperset({*NAMES} - {audit.CHECK}):
        return "not asked for"
    return "not made, since no count of the service's own was read after the run"


def _told(finding: Finding, history: History) -> list[str]:
    """A finding, what would settle it, and its operations."""
    found = [f"  {finding.check}: {finding.says}"]
    if finding.mend:
        found.append(f"      to settle it: {finding.mend}")
    drawn = timeline(history, shown(finding))
    found += [f"      {line}" for line in drawn]
    if len(finding.witness) > len(drawn):
        found.append(f"      and {len(finding.witness) - len(drawn):,} more")
    return found


def as_text(verdict: Verdict, history: History) -> str:
    """The verdict and what makes it so, as plain text."""
    return "\n".join([headline(verdict, history), *lines(verdict, history, brief=True)])


def show(verdict: Verdict, history: History, console: Console, *, brief: bool = False) -> None:
    """Print the verdict, and below it the findings."""
    word, _, rest = headline(verdict, history).partition(":")
    console.print(Text.assemble((word, COLOURS[word]), ":", rest), soft_wrap=True)
    for line in lines(verdict, history, brief=brief):
        console.print(Text(line), soft_wrap=True)


def cases(verdict: Verdict, history: History) -> list[ElementTree.Element]:
    """A JUnit test case a finding. An anomaly is a failure, what is not known is an error."""
    found, clash = [], clash_of(verdict, history)
    for finding in verdict.findings:
        name = finding.anomaly or finding.check
        case = ElementTree.Element("testcase", classname=f"quotalab.{finding.check}", name=name)
        if finding.judgement == "NOTED":
            ElementTree.SubElement(case, "system-out").text = finding.says
        elif finding.judgement != "VALID":
            kind = "failure" if finding.judgement == "INVALID" else "error"
            said = ElementTree.SubElement(case, kind, type=finding.anomaly or "unknown", message=finding.says)
            drawn = timeline(history, shown(finding))
            if clash is not None and finding.says == clash.says:
                drawn = clashes.timeline(clash)
            said.text = "\n".join([finding.mend, *drawn]).strip()
        found.append(case)
    return found


def suite(name: str, cases: Sequence[ElementTree.Element], *, took_s: float) -> ElementTree.Element:
    """A JUnit test suite of cases."""
    made = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        time=f"{took_s:.1f}",
    )
    made.extend(cases)
    return made


def as_bytes(tree: ElementTree.Element) -> bytes:
    """JUnit XML as a file has it."""
    ElementTree.indent(tree)
    written: bytes = ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True)
    return written
