"""Target profiles: what a file says of a service (records, file), and what is made of it (steps)."""
