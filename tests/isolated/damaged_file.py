"""Damages a database from outside: to close a file that SQLite has open there undoes its locks."""

import os
import sys

path = sys.argv[1]
with open(path, "r+b") as file:
    file.seek(4096)
    file.write(b"\xa5" * (os.path.getsize(path) - 4096))
