"""Where the names of points go, so that no two lie on each other."""

from typing import Any

Data = dict[str, Any]

WIDTH, HEIGHT = 640.0, 280.0
"""The frame that places are found for, in pixels; on another the points keep their order."""
LETTER, LINE = 6.2, 14.0
SAME = 9.0
"""Points nearer than this share one label."""
PLACES = (
    ("center", 0, -14),
    ("center", 0, 15),
    ("left", 11, 0),
    ("right", -11, 0),
    ("left", 9, -11),
    ("right", -9, 12),
)
"""align, dx and dy, the best first."""

Box = tuple[float, float, float, float]


def labelled(points: list[Data]) -> list[Data]:
    """The points with `label`, `align`, `dx` and `dy`, placed one by one; "" where another has it."""
    if not points:
        return []
    at = [
        (WIDTH * x, HEIGHT * (1 - y)) for x, y in zip(_scaled(points, "x"), _scaled(points, "y"), strict=True)
    ]
    groups: list[list[int]] = []
    for k, (x, y) in enumerate(at):
        near = (each for each in groups if max(abs(at[each[0]][0] - x), abs(at[each[0]][1] - y)) < SAME)
        group = next(near, None)
        if group is None:
            groups.append([k])
        else:
            group.append(k)
    found = [point | {"label": "", "align": "center", "dx": 0, "dy": 0} for point in points]
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in at]
    for group in groups:
        names = [points[k]["policy"].replace("-", " ") for k in group]
        text = " and ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} others"
        align, dx, dy, box = _place(text, *at[group[0]], taken)
        taken.append(box)
        found[group[0]] |= {"label": text, "align": align, "dx": dx, "dy": dy}
    return found


def _scaled(points: list[Data], axis: str) -> list[float]:
    values = [point[axis] for point in points]
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]


def _place(text: str, x: float, y: float, taken: list[Box]) -> tuple[str, int, int, Box]:
    """The first place where the label covers nothing, else the one that covers least."""
    tried = [(align, dx, dy, _box(text, x + dx, y + dy, align)) for align, dx, dy in PLACES]
    return min(tried, key=lambda each: sum(_cover(each[3], other) for other in taken))


def _box(text: str, x: float, y: float, align: str) -> Box:
    wide = LETTER * len(text)
    left = {"left": x, "center": x - wide / 2, "right": x - wide}[align]
    return left, y - LINE / 2, left + wide, y + LINE / 2


def _cover(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)
