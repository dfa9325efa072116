"""Tasks: their options, those that wait for a worker, the workers, and how many of them there should be.

A task ends by itself, as succeeded, failed or dead, or early: its caller cancels it, or the last of several releases
it; its deadline expires; a full queue drops it; the queue is closed. Its call is then abandoned (see `runtime`).

Modules import from those before them: `options`, `task`, `queue`, `scaling`, `background`, `handle`.
"""
