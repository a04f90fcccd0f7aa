"""What works on a run: versions, commit, machine, and the code that decides what a replication gives."""

import contextlib
import datetime
import hashlib
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "simpy", "pydantic", "duckdb", "joblib", "numba")
COMPUTES = ("python", "numpy", "scipy", "simpy")
"""Whose versions may move a last bit."""
ASIDE = {
    *("commands", "showing", "reporting", "telling", "describing", "exploring", "sizing", "report", "size"),
    *("run_folders", "results", "compare", "study", "cli"),
}
"""Packages and modules of sim that decide nothing of what a single replication gives."""


def session() -> dict[str, Any]:
    """What works on a folder, and since when."""
    return {
        "versions": {"quotalab": version(), "python": platform.python_version(), **_packages()},
        "model_sha256": model_digest(),
        "commit": _commit(),
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "started": now(),
        "ended": None,
        "files": {},
    }


def computes() -> dict[str, str]:
    """What may move a bit of a replication: the code, and the versions of what computes."""
    versions = {"python": platform.python_version(), **_packages()}
    code = {"quotalab": version(), "model": model_digest()[:12]}
    return code | {name: versions[name] for name in COMPUTES if name in versions}


def model_digest() -> str:
    """SHA-256 over the sources that a replication depends on: all of sim but what shows, writes and tells."""
    root = Path(__file__).parents[1]
    sources = (file for file in sorted(root.rglob("*.py")) if not {file.parent.name, file.stem} & ASIDE)
    found = hashlib.sha256()
    for file in sources:
        found.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def version() -> str:
    """The version of this package, also where it runs from its sources without being installed."""
    try:
        return metadata.version("quotalab")
    except metadata.PackageNotFoundError:
        import tomllib

        project = Path(__file__).parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _commit() -> str | None:
    """The commit of the sources, if they are a clone; with a + if they were changed since."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=40", "--exclude=*"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
