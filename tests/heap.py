"""What memory is in use, whatever the C library and Python keep for later."""

import ctypes
import sys


class HeapInfo(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = (
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")),
        *((name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")),
    )


LIBC = ctypes.CDLL(None)
LIBC.mallinfo2.restype = HeapInfo


def heap_in_use() -> int:
    """Bytes of the C heap: the extension's, NumPy's, and Python's larger objects."""
    info = LIBC.mallinfo2()
    return info.uordblks + info.hblkhd


def objects_in_use() -> int:
    """Blocks of Python's own allocator."""
    return sys.getallocatedblocks()
