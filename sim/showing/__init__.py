"""What a study looks like to a reader: summary, tables for other tools, and the text on a terminal."""
