"""Interrupts the import of the package where it comes to the module named, and says what arrives."""

import sys


class Interrupting:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            raise KeyboardInterrupt


sys.meta_path.insert(0, Interrupting())
try:
    import ziggy_async
except BaseException as error:
    print(type(error).__name__)
else:
    print(ziggy_async.__version__)
