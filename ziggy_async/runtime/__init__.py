"""Python callables off the event loop: on threads, in processes, on other loops. No part of it knows markets.

To cancel a `Call` is to take it back before it begins. To abandon it is to end it for those that wait: a coroutine is
cancelled, a process killed, and what runs in a thread goes on alone. A pool that is shut down takes no more calls.

Modules import from those before them: `errors`, `mailbox` (wakes a loop), `call`, `gil_gate`, `threads`,
`child_process`, `processes`; beside the pools `cross_loop` and `background_loop`.
"""
