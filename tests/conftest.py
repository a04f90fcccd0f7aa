"""What holds for every test.

A shell that starts the suite in the background has Ctrl-C ignored, and every child would inherit that: no
command could be interrupted. So Ctrl-C is heard again before the first child is started.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
