"""What a search for the highest rate prints: the answer, a line a stage, and where everything is."""

from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests.loading.searched import Searched
from loadtests.loading.stages import Stage


def show(found: Searched, console: Console, *, brief: bool = False) -> None:
    """The whole report; brief: the answer alone."""
    colour = {0: "bold green", 1: "bold red"}.get(found.exit_code, "bold yellow")
    word = {0: "BORNE", 1: "INVALID", 4: "NOT BORNE"}.get(found.exit_code, "UNKNOWN")
    console.print(Text.assemble((word, colour), f": {found.says()}"), soft_wrap=True)
    if found.ended:
        console.print(f"  the search ended early: {found.ended}", soft_wrap=True, highlight=False)
    if found.mend():
        console.print(f"  to know more: {found.mend()}", soft_wrap=True, highlight=False)
    if brief:
        return
    console.print()
    console.print(_table(found.stages))
    console.print(
        f"in {found.folder}: summary.json, and for each stage every request, verdict and latencies",
        soft_wrap=True,
        highlight=False,
    )


def _table(stages: tuple[Stage, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    names = ("rate", "decided", "granted", "full", "p50 ms", "p99", "service p99", "late", "unserved")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("verdict", "level"):
        table.add_column(name, no_wrap=True)
    for each in stages:
        due, served = each.from_due_ms, each.service_ms
        table.add_row(
            f"{each.rate_per_s:,g}",
            f"{each.achieved_per_s:,.0f}",
            *(f"{each.outcomes.get(f'claim {name}', 0):,}" for name in ("granted", "full")),
            *(f"{value:,.1f}" for value in (due.get("p50", 0), due.get("p99", 0), served.get("p99", 0))),
            f"{each.late_share:.1%}",
            f"{each.unserved_share:.1%}",
            each.verdict,
            "met" if each.is_met else "too slow to tell" if each.is_generators else "missed",
        )
    table.caption = (
        "rate and decided: applications a second; p50 and p99 from the due time, service p99 from the send; "
        "late: of people's first sends"
    )
    table.caption_justify = "left"
    return table


def junit(found: Searched) -> bytes:
    """JUnit XML: a test case a stage, which fails if the service went wrong, and one for the answer."""
    suite = ElementTree.Element("testsuite", name=f"quotalab load {found.scenario}")
    for each in found.stages:
        name = f"stage {each.number}: {each.rate_per_s:g} a second"
        case = ElementTree.SubElement(suite, "testcase", classname="quotalab.ramp", name=name)
        case.set("time", f"{each.took_s:.1f}")
        if each.verdict == "INVALID":
            ElementTree.SubElement(case, "failure", type="invalid", message=each.says)
    case = ElementTree.SubElement(suite, "testcase", classname="quotalab.ramp", name="highest rate")
    if found.exit_code:
        kind = "error" if found.exit_code in (2, 130) else "failure"
        ElementTree.SubElement(case, kind, type="ramp", message=found.says()).text = found.mend()
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    suite.set("time", f"{found.took_s:.1f}")
    ElementTree.indent(suite)
    written: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return written
