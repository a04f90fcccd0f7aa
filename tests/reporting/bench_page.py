"""What the page of a comparison costs, for eight policies and a hundred replications."""

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sim import compare, results, scenario_file
from sim.comparing.worlds import Asked
from sim.studying import blocks, picturing

SCENARIO = "imp-plus-high-demand"
PEOPLE = 0.1
"""Of the flagship's people: a page holds the same curves and contrasts, however many they are of."""
POLICIES = (
    *("lottery", "score-rounds", "monthly-release", "carry-over", "waiting-list", "pilot-reserve", "no-cap"),
)
SHOW = """
import json, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
a = time.process_time()
from sim import report
report.write(folder)
b = time.process_time()
json.loads((folder / "summary.json").read_text()), json.loads((folder / "curves.json").read_text())
c = time.process_time()
print(json.dumps({"page": b - a, "read": c - b, "bytes": (folder / "report.html").stat().st_size}))
"""


def measured(replications: int, runs: int) -> list[dict[str, Any]]:
    """CPU seconds of the page in a process of its own, imports included, and of reading its sources."""
    with tempfile.TemporaryDirectory() as place:
        folder = _left(Path(place, "run"), replications)
        command = [sys.executable, "-c", SHOW, str(folder)]
        asked = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(runs)]
        return [json.loads(each.stdout) for each in asked]


def _left(path: Path, replications: int) -> Path:
    """What such a comparison leaves."""
    scenario = scenario_file.replaced(scenario_file.load(SCENARIO), {"demand.multiple": 4 * PEOPLE})
    source, text = scenario_file.text_of(SCENARIO)
    folder = results.begin(
        path, source=source, text=text, settings={}, policy=scenario.baseline, seed=scenario.seed, question={}
    )
    found = compare.compare(scenario, policies=POLICIES, replications=replications, register=False)
    asked = Asked(scenario, tuple((name, scenario.policy(name)) for name in found.policies), found.seed)
    crew = blocks.Crew(blocks.cores(), lambda *_: None)
    found = dataclasses.replace(found, pictures=picturing.pictures(asked, crew, replications))
    return results.finish_comparison(folder, found).path
