"""The README cannot rot: its commands parse, its quick ones print what it shows, its paths exist.

A *command* is a line `$ quotalab ...` of a console block, or `quotalab ...` of a sh block; a line that ends
in a backslash goes on in the next. In a console block the lines below a command are its output, as shown.
"""

import itertools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from cyclopts import CycloptsError

from loadtests import cli as load
from sim import cli

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
FENCE = re.compile(r"^```(console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)

RUN_FOR_REAL = (
    "--version",
    "policies",
    "scenario list",
    "scenario check",
    "scenario show",
    "run",
    "compare",
    "check",
    "best smoke",
    "paradox",
)
"""Commands that take seconds, by how they begin: run as written where the README shows their output."""


class Command(NamedTuple):
    """One documented command."""

    line: int
    """Where it stands in the README, 1-based."""
    text: str
    """As written, continuation lines joined, without prompt."""
    shown: tuple[str, ...]
    """The lines of output below it, blank ones left out; a line `...` stands for any number of lines."""

    def is_quick(self) -> bool:
        """Whether it is run for real: as written, so without what a pipe would do to its output."""
        begins = [" ".join(self.tokens()[:length]) for length in (1, 2)]
        return bool(self.shown) and "|" not in self.text and any(each in RUN_FOR_REAL for each in begins)

    def tokens(self) -> list[str]:
        """What `quotalab` itself would be given: nothing from a pipe, a redirection or `&&` on."""
        words = shlex.split(self.text, comments=True)
        end = next((i for i, word in enumerate(words) if re.match(r"[|;<>&]|2>", word)), len(words))
        return words[1:end]


def commands(text: str) -> list[Command]:
    """Every documented quotalab command of a Markdown text."""
    found = []
    for block in FENCE.finditer(text):
        is_console = block[1] == "console"
        first = text.count("\n", 0, block.start(2)) + 1
        # Joined lines leave an empty one behind, so that line numbers still count.
        body = re.sub(r"\\\n([^\n]*)", r" \1\n", block[2])
        lines = body.splitlines()
        for number, line in enumerate(lines):
            written = re.sub(r"^\$ " if is_console else r"^", "", line)
            written = re.sub(r"^(\.venv/bin/|uv run )", "", written)
            if (is_console and not line.startswith("$ ")) or not written.startswith("quotalab "):
                continue
            below = itertools.takewhile(lambda later: not later.startswith("$ "), lines[number + 1 :])
            shown = tuple(later for later in below if later.strip()) if is_console else ()
            found.append(Command(first + number, written.strip(), shown))
    return found


def looks_like(shown: str, printed: str) -> bool:
    """Whether a printed line is the shown one: runs of spaces count as one, `...` stands for anything."""
    parts = re.split(r"\.\.\.|…", " ".join(shown.split()))
    return re.fullmatch(".*".join(map(re.escape, parts)), " ".join(printed.split())) is not None


def unlike(shown: tuple[str, ...], printed: list[str]) -> str | None:
    """The first shown line that was not printed in its place; None if all were. Printing more is no fault."""
    at, anywhere = 0, False
    for line in shown:
        if line.strip() in ("...", "…"):
            anywhere = True
            continue
        found = next((k for k in range(at, len(printed)) if looks_like(line, printed[k])), None)
        if found is None or (found > at and not anywhere):
            return f"shown {line.strip()!r}, printed {printed[at : at + 1]}"
        at, anywhere = found + 1, False
    return None


def named_paths(text: str) -> set[str]:
    """Relative links, and paths anywhere in the text that begin with a folder of the tree."""
    links = set(re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", text))
    folders = r"(?<![\w./<-])((?:\.ci|sim|loadtests|scenarios|tests|results)/[\w./-]*)(?![\w./<*{-])"
    paths = {path.rstrip(".") for path in re.findall(folders, text)}
    return {path for path in links | paths if not path.startswith("results/runs")}


DOCUMENTED = commands(README.read_text("utf-8")) if README.exists() else []
QUICK = [command for command in DOCUMENTED if command.is_quick()]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder where the README's paths mean what they say, and runs may be written."""
    for folder in ("scenarios", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder, target_is_directory=True)
    return tmp_path


@pytest.mark.parametrize("command", DOCUMENTED, ids=lambda command: f"{command.line}: {command.text}")
def test_a_documented_command_parses(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    load.mount(cli.app)
    try:
        cli.app.parse_args(command.tokens(), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        pytest.fail(f"README.md:{command.line}: {error}", pytrace=False)


@pytest.mark.parametrize("command", QUICK, ids=lambda command: f"{command.line}: {command.text}")
def test_a_quick_command_prints_what_the_readme_shows(command: Command, clone: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "NO_COLOR": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "quotalab", *command.tokens()],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    printed = [line for line in ran.stdout.splitlines() if line.strip()]
    assert unlike(command.shown, printed) is None, (
        f"README.md:{command.line}: {unlike(command.shown, printed)}"
    )


@pytest.mark.skipif(not README.exists(), reason="no README.md yet")
def test_every_path_named_in_the_readme_exists() -> None:
    missing = sorted(path for path in named_paths(README.read_text("utf-8")) if not (ROOT / path).exists())
    assert not missing, f"README.md names what is not there: {missing}"


EXAMPLE = """\
```console
$ quotalab run scenarios/a.toml \\
    --seed 7 | head -3

seed 7   12.5 days
$ quotalab scenario list
```
```sh
make demo
uv run quotalab check b.parquet  # judge
```
```python
quotalab run not-a-command
```
See [how](tests/how.md#top), [site](https://example.com/sim/x), `sim/cli.py`.
Not results/runs/last, `scenarios/my-<name>`.
"""


def test_commands_are_read_from_console_and_sh_blocks() -> None:
    first, second, third = commands(EXAMPLE)
    assert first.tokens() == ["run", "scenarios/a.toml", "--seed", "7"]
    assert (first.line, first.shown) == (2, ("seed 7   12.5 days",))
    assert (second.line, second.tokens(), second.shown) == (6, ["scenario", "list"], ())
    assert (third.line, third.tokens()) == (10, ["check", "b.parquet"])


def test_shown_output_may_leave_parts_out() -> None:
    assert looks_like("seed 7 ... days", "seed 7   12.5 days")
    assert not looks_like("seed 7 ... days", "seed 8   12.5 days")
    assert unlike(("a", "...", "c"), ["a", "b", "c", "d"]) is None
    assert unlike(("a", "c"), ["a", "b", "c"]) == "shown 'c', printed ['b']"


def test_paths_are_read_from_links_and_prose() -> None:
    assert named_paths(EXAMPLE) == {"tests/how.md", "sim/cli.py", "scenarios/a.toml"}
