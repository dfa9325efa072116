"""`python -m ziggy_async` is the command `ziggy-async`."""

import sys

from ziggy_async.cli import main

sys.exit(main())
