"""The reference service: a quota service that is exact, to test the harness by and to compare others with."""
