"""What holds for every test.

A shell that starts the suite in the background has Ctrl-C ignored, and every child would inherit that: no
command could be interrupted. So Ctrl-C is heard again before the first child is started.

Where Python is told to write no bytecode, each of a thousand child processes would compile the package anew,
a third of what a short command costs. So bytecode is written, here and by every child.
"""

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
