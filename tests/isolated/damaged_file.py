"""Damages a database or its log from outside: to close a file that SQLite has open there undoes its locks."""

import os
import sys

how, path = sys.argv[1:]
if how == "truncated":
    os.truncate(f"{path}-wal", 5000)
else:
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (os.path.getsize(path) - 4096))
