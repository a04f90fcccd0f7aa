"""What a load test, a search or a judged history looks like on a terminal."""
