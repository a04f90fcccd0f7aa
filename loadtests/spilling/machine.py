"""What the machine has: memory that may be used, and folders that are memory themselves.

All of it is what Linux says under /proc and /sys; elsewhere nobody knows. What may be used is the least of
what the kernel calls available, what the control groups that the process is in leave (version 1 or 2, each up
to the root), and what its own limits leave (ulimit -d and -v).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
GROUPS: Final = Path("/sys/fs/cgroup")
OF_MEMORY: Final = ("tmpfs", "ramfs")
FILES: Final = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
"""Limit and use of a control group, in both versions."""
RECLAIMED: Final = ("inactive_file", "total_inactive_file")
"""What counts as used, and is given up at once."""


def available() -> int | None:
    """Bytes that may be used; None if nobody knows."""
    found = [*_of_the_kernel(), *_of_groups(), *_of_limits()]
    return max(0, min(found)) if found else None


def is_memory(folder: Path) -> bool:
    """Whether what is written there stays in memory."""
    best, kind = Path("/"), ""
    for line in _lines(PROC / "self" / "mounts"):
        _, mount, this, *_ = line.split()
        where = Path(mount.replace("\\040", " "))
        if folder.resolve().is_relative_to(where) and len(where.parts) >= len(best.parts):
            best, kind = where, this
    return kind in OF_MEMORY


def _of_the_kernel() -> Iterator[int]:
    for line in _lines(PROC / "meminfo"):
        if line.startswith("MemAvailable:"):
            yield 1024 * int(line.split()[1])


def _of_groups() -> Iterator[int]:
    for line in _lines(PROC / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root = GROUPS / controllers
        folder = root / path.lstrip("/")
        for group in [each for each in (folder, *folder.parents) if each.is_relative_to(root)]:
            yield from _left_in(group)


def _left_in(group: Path) -> Iterator[int]:
    for limit, used in FILES:
        most, now = _number(group / limit), _number(group / used)
        if most is not None and now is not None:
            stat = dict(line.split(maxsplit=1) for line in _lines(group / "memory.stat"))
            yield most - now + max(int(stat.get(name, 0)) for name in RECLAIMED)


def _of_limits() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # another system
        return
    used = {line.split(":")[0]: line.split()[1] for line in _lines(PROC / "self" / "status") if "kB" in line}
    for limit, name in ((resource.RLIMIT_DATA, "VmData"), (resource.RLIMIT_AS, "VmSize")):
        most = resource.getrlimit(limit)[0]
        if most != resource.RLIM_INFINITY and name in used:
            yield most - 1024 * int(used[name])


def _number(path: Path) -> int | None:
    """The number that a file holds; None for "max", and where there is no such file."""
    text = "".join(_lines(path))
    return int(text) if text.isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
