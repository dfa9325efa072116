"""Finds out whether the package became slower: its workloads are measured beside reference workloads that have nothing
of it, and compared with samples in a file. `ziggy-async regress` is the way in."""
