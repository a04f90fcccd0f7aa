"""`quotalab describe`: a description of a model and its experiment that a stranger could rebuild it from.

Exit codes: 0 fine; 3 the input cannot be used.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from sim.cli import encodable

app = App(name="describe", help="Describe model and experiment, for a report.", help_format="plaintext")


@app.default
def describe(
    what: str,
    /,
    *,
    policies: str | None = None,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    format: Literal["md", "json"] = "md",
) -> int:
    """Describe a run, or what a run of a scenario would be: objectives, logic, data, experiment, code.

    The order is that of the reporting guideline STRESS-DES. Every number comes from the scenario, the
    policies and the run's manifest.

    Parameters
    ----------
    what
        A scenario file or the name of a shipped one; or a run: its folder, the start of its name, or last.
    policies
        Policies to describe, as in a,b,c, the first in full and the others by what differs; if left out,
        those of the run, or the scenario's baseline and the policies of its own.
    settings
        Replace a value of the scenario, as in --set demand.multiple=2; may be given again. Not for a run.
    format
        md: Markdown; json: the same as data.
    """
    from sim import study
    from sim.describing.description import description
    from sim.showing.description import markdown

    scenario, names, manifest, summary = _run(what) if _is_run(what) else _scenario(what, settings)
    if policies is not None:
        names = [each.strip() for each in policies.split(",") if each.strip()] or names
    for name in names:
        study.named(scenario, name)
    found = description(scenario, list(dict.fromkeys(names)), manifest=manifest, summary=summary)
    text = markdown(found) if format == "md" else json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    sys.stdout.write(text if format == "md" else encodable(text))
    return 0


def _is_run(what: str) -> bool:
    """Whether a run is meant: anything that is neither a file nor the name of a shipped scenario."""
    from sim.scenario_file import shipped

    if Path(what).is_dir():
        return True
    return not (Path(what).suffix or Path(what).exists() or what in {each.name for each in shipped()})


def _run(what: str) -> tuple[Any, list[str], Any, Any]:
    from sim import results
    from sim.errors import complaint
    from sim.run_folders import extending
    from sim.run_folders.locating import locate

    path = locate(what)
    manifest, summary = results.read(path)
    question = manifest["question"]
    if "compare" not in question and "fast" not in question:
        raise complaint(
            "this run is no study of policies",
            key="what",
            expected="a run of quotalab run or quotalab compare",
        )
    return (
        extending.scenario_of(path, manifest),
        question.get("compare") or [manifest["policy"]],
        manifest,
        summary,
    )


def _scenario(what: str, settings: tuple[str, ...]) -> tuple[Any, list[str], Any, Any]:
    from sim import scenario_file

    scenario = scenario_file.load(what)
    if values := dict(scenario_file.parse_setting(each) for each in settings):
        scenario = scenario_file.replaced(scenario, values)
    return scenario, [scenario.baseline, *scenario.policies], None, None
