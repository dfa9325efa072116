"""The command of the other arguments where the module of the first one is missing."""

import sys

sys.modules[sys.argv.pop(1)] = None

from ziggy_async.cli import main

sys.exit(main(sys.argv[1:]))
