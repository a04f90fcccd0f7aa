"""From a simulated outcome to due times: what loadtests/trace.py puts together."""
