"""The command, which says on stderr when it begins, by the clock that all processes share."""

import sys
import time

from ziggy_async.cli import main

sys.argv[0] = "ziggy-async"
print(time.monotonic(), file=sys.stderr, flush=True)
sys.exit(main())
