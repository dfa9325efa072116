"""Reads formulas that are nested too deep in a thread with a small stack, as some systems give; prints the refusals."""

import threading

from ziggy_async import FormulaError
from ziggy_async.features.formula import read_formula

DEEP = ["-" * 9_990, "~ " * 4_990, "not " * 2_490, "2 ** " * 1_990, "a if b else " * 800, "(x := " * 199, "abs(" * 199]
refused = []


def read():
    for text in DEEP:
        try:
            read_formula(text + "a" + ")" * text.count("("))
        except FormulaError as error:
            refused.append(error.message)


threading.stack_size(512 * 1024)
thread = threading.Thread(target=read)
thread.start()
thread.join()
print(len(refused), set(refused))
