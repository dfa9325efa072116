"""Tasks: how one is treated, what waits for a worker, the workers, and how many of them there should be."""
