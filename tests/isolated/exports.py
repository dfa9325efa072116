"""Prints the version and the exported names."""

import ziggy_async

print(ziggy_async.__version__, *sorted(ziggy_async.__all__))
