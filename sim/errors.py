"""What a user can cause: bad input, said so that it can be mended.

A *problem* is one thing wrong with one input: where it stands, what was found, what was expected, how to
mend it. *Bad input* carries every problem of a file at once; the command line prints it and ends with exit
code 3. A refusal by the ledger is a reply and never an error; broken code fails an assertion.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one input."""

    message: str
    """What is wrong, in one sentence, with the value that was found."""
    file: str = ""
    """The file as the user named it; empty where the input came from the command line."""
    key: str = ""
    """The dotted key, as in demand.backlog; empty when no key could be read."""
    line: int = 0
    """1-based line of the value (or of the key that is too many); 0 when not known."""
    column: int = 0
    """1-based column of the first character that is wrong; 0 when not known."""
    width: int = 1
    """How many characters the caret underlines."""
    text: str = ""
    """The line itself, for printing."""
    expected: str = ""
    """What would have been right."""
    mend: str = ""
    """How to put it right: the nearest valid name, the line to add."""


class BadInput(Exception):
    """Input that cannot be used; carries every problem found, in the order of their lines."""

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        assert problems, "BadInput needs at least one problem"
        self.problems = tuple(problems)
        super().__init__("\n".join(render(problem) for problem in self.problems))


def complaint(message: str, *, key: str = "", expected: str = "", mend: str = "", file: str = "") -> BadInput:
    """A BadInput of one problem, for input that did not come from a place in a file."""
    return BadInput([Problem(message=message, key=key, expected=expected, mend=mend, file=file)])


def render(problem: Problem) -> str:
    """The problem as a few lines of plain text: place, message, the line with its caret, the mending."""
    place = problem.file
    if problem.line:
        place += f":{problem.line}:{problem.column}"
    head = ": ".join(part for part in (place, problem.key, problem.message) if part)
    lines = [head]
    if problem.text:
        gutter = f"{problem.line:>5} | "
        lines.append(gutter + problem.text)
        lines.append(" " * (len(gutter) + problem.column - 1) + "^" * max(1, problem.width))
    if problem.expected:
        lines.append(f"      expected: {problem.expected}")
    if problem.mend:
        lines.append(f"      to mend:  {problem.mend}")
    return "\n".join(lines)


def nearest(word: str, words: Iterable[str], *, cutoff: float = 0.65) -> str:
    """The nearest of the words, or nothing if none is near."""
    import difflib  # only for who made a mistake

    alike = {each.lower().replace("-", "_"): each for each in words}
    close = difflib.get_close_matches(word.lower().replace("-", "_").strip(), alike, n=1, cutoff=cutoff)
    return alike[close[0]] if close else ""
