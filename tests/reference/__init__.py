"""What the package computes, said again in plain NumPy: slow, one function per figure, nothing shared with it."""
