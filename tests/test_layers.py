"""The tree keeps its layers: who may import what, touch the clock, print, and how long a module gets.

A *use* is a dotted name that a module imports or reaches through an import, aliases resolved: after
`import numpy as np`, the expression `np.random.default_rng` is the use `numpy.random.default_rng`. Uses are
found with `ast`, wherever in the file they stand. A rule about a file that does not exist holds.
"""

import ast
import os
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ["quotalab.py", *(folder for folder in ("sim", "loadtests") if (ROOT / folder).is_dir())]
LONGEST_MODULE = 350

LONGER_FOR_A_REASON: dict[str, str] = {
    "sim/ledger.py": "language and machine of the rule book, which stands alone and imports nothing of ours",
}
"""Module -> why its one idea needs more lines. An entry that is no longer needed fails too."""


class Rule(NamedTuple):
    """Within `where`, nothing outside `except_in` uses a name under `names`."""

    names: tuple[str, ...]
    where: str
    except_in: tuple[str, ...]
    why: str


CLOCK = (
    *("time." + clock for clock in ("time", "monotonic", "perf_counter", "process_time", "thread_time")),
    *("time." + clock for clock in ("time_ns", "monotonic_ns", "perf_counter_ns", "process_time_ns")),
    *("time." + clock for clock in ("localtime", "gmtime", "ctime", "clock_gettime", "sleep")),
    *("datetime.datetime." + clock for clock in ("now", "utcnow", "today")),
    "datetime.date.today",
)
NETWORK = ("socket", "socketserver", "ssl", "select", "selectors", "http", "urllib.request", "asyncio")
THREADS = ("threading", "_thread", "queue", "concurrent.futures", "multiprocessing")
CHANCE = ("sim/streams.py", "sim/population.py")
LOCUST = ("loadtests/users.py", "loadtests/locustfile.py")
PLAYERS = (  # they run inside a Locust process, and nothing else imports them
    *LOCUST,
    *(
        f"loadtests/{name}.py"
        for name in ("client", "connection", "ear", "pacing", "play", "worker", "fleet", "member")
    ),
)
BY_COUNTING = "it must not share the rule book, so that one wrong rule cannot pass everywhere"
MANIFEST = (  # when a run began, what a block costs
    *("sim/run_folders/provenance.py", "sim/results.py", "sim/cli.py", "sim/studying/blocks.py"),
)

RULES = [
    Rule(("loadtests",), "sim/*", (), "the simulation knows nothing of load tests"),
    Rule(("locust", "gevent"), "sim/*", (), "gevent patches the whole process"),
    Rule(("locust",), "loadtests/*", LOCUST, "Locust patches the process that imports it"),
    Rule(("gevent",), "loadtests/*", PLAYERS, "gevent stays inside the Locust processes"),
    Rule(("sim.ledger.Ledger",), "loadtests/checks/*", (), BY_COUNTING),
    Rule(("sim.ledger.Ledger",), "loadtests/reference/stores/[!m]*", (), BY_COUNTING),
    Rule(("simpy",), "*.py", ("sim/programme.py",), "one module owns simulated time"),
    Rule(("numpy.random",), "sim/*", CHANCE, "all chance is drawn with the population"),
    Rule(("random", "secrets", "uuid.uuid4", "os.urandom"), "sim/*", (), "all chance has a named stream"),
    Rule(CLOCK, "sim/*", MANIFEST, "same scenario and seed, same bytes"),
    Rule(NETWORK + THREADS, "sim/*", (), "the simulation is pure; joblib alone makes processes"),
]


@cache  # eleven rules ask about the same files
def uses(source: str, module: str = "sim.example") -> dict[str, int]:
    """Every dotted name that the source of `module` imports or reaches through an import, with its line."""
    nodes = list(ast.walk(ast.parse(source)))
    names: dict[str, str] = {}  # what a local name stands for
    found: dict[str, int] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name, node.lineno)
                # `import a.b` binds a; `import a.b as c` binds c to a.b
                first = alias.name.split(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            for alias in node.names:
                found.setdefault(f"{base}.{alias.name}", node.lineno)
                names[alias.asname or alias.name] = f"{base}.{alias.name}"
    for node in nodes:
        if isinstance(node, ast.Name | ast.Attribute):
            first, *rest = dotted(node) or [""]
            if first in names:
                found.setdefault(".".join([names[first], *rest]), node.lineno)
    return found


def dotted(node: ast.AST) -> list[str]:
    """The parts of the expression `a.b.c`; nothing for any other expression."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return [*before, node.attr] if before else []
    return []


def is_under(name: str, top: str) -> bool:
    return name == top or name.startswith(top + ".")


def prints(source: str) -> list[int]:
    """The lines that call print."""
    if "print" not in source:
        return []
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def modules() -> list[Path]:
    """Every module of the product."""
    found = [ROOT / "quotalab.py"] if (ROOT / "quotalab.py").exists() else []
    for folder in PRODUCT[1:]:
        found += sorted((ROOT / folder).rglob("*.py"))
    return found


def inside(path: Path) -> str:
    """The path as the rules write it."""
    return path.relative_to(ROOT).as_posix()


def kept_files() -> list[Path]:
    """What git keeps or would keep; without git (an unpacked archive), everything outside caches and runs."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    skipped = ("*.egg-info", "__pycache__", ".*cache", ".venv", ".hypothesis", "build", "dist", "runs")
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not any(fnmatch(name, pattern) for pattern in skipped)]
        found += [Path(folder, name) for name in names]
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.names[0]} in {rule.where}")
def test_only_the_named_modules_use(rule: Rule) -> None:
    broken = []
    for path in modules():
        where = inside(path)
        if not fnmatch(where, rule.where) or where in rule.except_in:
            continue
        for name, line in uses(path.read_text("utf-8"), where[:-3].replace("/", ".")).items():
            if any(is_under(name, top) for top in rule.names):
                broken.append(f"{where}:{line} uses {name}")
    assert not broken, f"{rule.why}: {'; '.join(broken)}"


@pytest.mark.parametrize(
    ("source", "use"),
    [
        ("import numpy as np\nnp.random.default_rng(1)", "numpy.random.default_rng"),
        ("from numpy import random", "numpy.random"),
        ("def f():\n    from simpy.events import Event", "simpy.events.Event"),
        ("import datetime as dt\ndt.datetime.now()", "datetime.datetime.now"),
        ("from time import time_ns as now", "time.time_ns"),
        ("import urllib.request", "urllib.request"),
        ("from . import ledger", "sim.ledger"),
        ("from .ledger import Ledger\nLedger.apply", "sim.ledger.Ledger.apply"),
    ],
)
def test_the_reader_sees_a_use_however_it_is_written(source: str, use: str) -> None:
    assert use in uses(source)


def test_the_reader_does_not_take_any_attribute_for_a_use() -> None:
    assert uses("def f(clock):\n    clock.time.time()\n    return clock.random") == {}


def test_the_ledger_imports_the_standard_library_only() -> None:
    ledger = ROOT / "sim" / "ledger.py"
    names = uses(ledger.read_text("utf-8"), "sim.ledger") if ledger.exists() else {}
    foreign = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    assert not foreign, f"sim/ledger.py is the rule book and stands alone, but uses {foreign}"


def test_only_the_command_line_prints() -> None:
    may = re.compile(r"(sim|loadtests)/(cli|(commands|showing)/\w+)\.py|loadtests/locustfile\.py")
    speakers = [path for path in modules() if not may.fullmatch(inside(path))]
    broken = [f"{inside(path)}:{line}" for path in speakers for line in prints(path.read_text("utf-8"))]
    assert not broken, f"print belongs in commands or showing: {', '.join(broken)}"


def test_a_module_holds_one_idea() -> None:
    lengths = {inside(path): len(path.read_text("utf-8").splitlines()) for path in modules()}
    long = {name: length for name, length in lengths.items() if length > LONGEST_MODULE}
    unexplained = {name: length for name, length in long.items() if name not in LONGER_FOR_A_REASON}
    assert not unexplained, f"over {LONGEST_MODULE} lines; what second idea has moved in? {unexplained}"
    settled = [name for name in LONGER_FOR_A_REASON if name in lengths and name not in long]
    assert not settled, f"short again, so out of the table: {settled}"


# Put together from parts, since this file is read by the test as well.
FORBIDDEN = [
    *(r"(?<![\w./-])/" + folder + "/" for folder in ("work", "root", "opt", "home/[a-z]+")),
    *(re.escape(host) for host in ("pypi" + ".org", "python" + "hosted", "file:" + "///")),
    *(r"(?<!\w)--" + option for option in ("index" + "-url", "extra-" + "index", "find" + "-links")),
]


def test_no_file_names_a_machine_or_a_package_index() -> None:
    pattern = re.compile("|".join(FORBIDDEN))
    broken = []
    for path in kept_files():
        raw = path.read_bytes()
        if b"\0" in raw[:8000]:
            continue  # not text
        text = raw.decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines() if pattern.search(text) else [], 1):
            if found := pattern.search(line):
                broken.append(f"{inside(path)}:{number} has {found[0]!r}")
    assert not broken, "; ".join(broken)


def test_constraints_pin_every_dependency_and_say_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    strange = [line for line in lines if not re.fullmatch(r"[a-z0-9.-]+==[\w.+!-]+( ; .+)?", line)]
    assert not strange, f"not a pinned package: {strange}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in wanted}
    unpinned = names - {line.split("==")[0] for line in lines}
    assert not unpinned, f"run `make constraints`: {unpinned} missing"
