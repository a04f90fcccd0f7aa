"""The pictures of a page as files, PNG and SVG, drawn without a browser."""

from copy import deepcopy
from pathlib import Path

from sim.reporting import theme
from sim.reporting.page import Page, Spec

WIDTH = 840
"""In CSS pixels; a PNG has twice as many."""


def write_pictures(page: Page, folder: Path) -> list[Path]:
    """Write NAME.svg and NAME.png for each section with a picture, in the order of the page."""
    import vl_convert

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for section in page.sections:
        if section.picture is None:
            continue
        svg = section.picture
        if isinstance(svg, dict):
            svg = vl_convert.vegalite_to_svg(fitted(svg), config=theme.CONFIG | {"background": "white"})
        png = vl_convert.svg_to_png(svg, scale=2)
        for suffix, data in (("svg", svg.encode()), ("png", png)):
            written.append(folder / f"{section.id}.{suffix}")
            written[-1].write_bytes(data)
    return written


def fitted(spec: Spec, width: int = WIDTH) -> Spec:
    """The specification for a page of that width: what page.js does in a browser."""
    copy = deepcopy(spec)
    parts = copy.get("vconcat") or copy.get("hconcat") or copy.get("concat")
    for part in parts or []:
        if part.get("width") == "container":
            part["width"] = width - spec.get("usermeta", {}).get("reserve", 70)
    if not parts and copy.get("width") == "container":
        copy |= {"width": width, "autosize": {"type": "fit-x", "contains": "padding"}}
    return copy
