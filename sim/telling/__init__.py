"""One person's story, event by event, replayed from the seed."""
