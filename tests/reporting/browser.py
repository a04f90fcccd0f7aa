"""Pages in a real browser: Debian's Chromium through Playwright, without a network.

`opened` gives a page that has drawn its pictures, with everything that went wrong on the way; a test asks for
the fixture `browser` of conftest.py and is skipped, with the reason, where there is no Chromium.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr", "bin", "chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DRAWN = "html[data-drawn=yes]"
PHONE, LAPTOP = (390, 844), (1366, 768)


@dataclass
class Opened:
    """A page in the browser, and what was noticed."""

    page: Any
    """Playwright's."""
    requests: list[str] = field(default_factory=list)
    """Addresses asked for, the file itself left out."""
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of the console, and uncaught exceptions."""


@contextlib.contextmanager
def opened(
    browser: Any, file: Path, *, size: tuple[int, int] = LAPTOP, dark: bool = False
) -> Iterator[Opened]:
    """The file, opened without a network, all pictures drawn."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        offline=True,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(60_000)  # the machine may be busy
    found = Opened(page)
    address = file.resolve().as_uri()

    def asked(request: Any) -> None:
        if request.url.partition("#")[0] != address and not request.url.startswith("data:"):
            found.requests.append(request.url)

    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            found.complaints.append(message.text)

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    try:
        page.goto(address)
        page.wait_for_selector(DRAWN, state="attached")
        yield found
    finally:
        context.close()


def until(found: Opened, expression: str, argument: Any = None) -> None:
    """Wait until a function is true in the page.

    Playwright's own waiting evaluates text there, which the page's content policy forbids.
    """
    for _ in range(600):
        if found.page.evaluate(expression, argument):
            return
        found.page.wait_for_timeout(100)
    raise AssertionError(f"never true: {expression}")


def marks(found: Opened, section: str) -> int:
    """How many visible marks a picture has, axes and legends left out."""
    return int(
        found.page.evaluate(
            """(id) => {
              const inside = `#${id} .picture svg g[class*="role-mark"] >`;
              const isSeen = (each) => { const box = each.getBBox(); return box.width + box.height > 0; };
              return [...document.querySelectorAll(`${inside} path, ${inside} text`)].filter(isSeen).length;
            }""",
            section,
        )
    )


def violations(found: Opened) -> list[str]:
    """What axe finds that is serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    results = Axe().run(found.page).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]}"
        for each in results
        if each["impact"] in ("serious", "critical")
    ]
