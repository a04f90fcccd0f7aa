"""The twin tells the stories that were worked out by hand, so that it may be trusted to judge the engine."""

import pytest

from tests.stories import Story, stories
from tests.twin import simulate


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
def test_the_twin_tells(story: Story) -> None:
    story.check(simulate(story.scenario, story.people, story.policy))
