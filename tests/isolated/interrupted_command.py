"""The command, which says on stderr when it begins."""

import sys

from ziggy_async.cli import main

sys.argv[0] = "ziggy-async"
print("begun", file=sys.stderr, flush=True)
sys.exit(main())
