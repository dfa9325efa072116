"""Python work: what runs it, the queue in front, and what is known of it. Nothing here is about markets.

- Running: `runs` places one call; `threads`, and `processes` with `child_process` (as the parent sees one), `child` (as
  it sees itself) and `parcels` (what travels between them); `calls` is what an outcome may be, `offload` a call's way
  to a thread and back to its loop; `turns` keeps threads that compute from keeping loops from the GIL; `visits` are
  calls from one loop into another.
- Queueing: `background` is the queue with its workers; `queue` the order of what waits, `tasks` a task on its way,
  `options` how it is treated, `scaling` how many workers there should be, and `scaler` sees to it.
- Remembering: `dead_letters`, with `letter_file`, `letter_row` and `letter_database` in SQLite; `metrics` of
  operations.
"""
