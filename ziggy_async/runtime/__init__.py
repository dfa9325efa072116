"""Python callables off the event loop: on threads, in processes, on other loops. Nothing here is about markets."""
