"""The command, which the signals end that end a server, also where this runs under nohup."""

import signal
import sys

from ziggy_async.cli import main

signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.exit(main(sys.argv[1:]))
