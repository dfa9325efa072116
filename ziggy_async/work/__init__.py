"""Python work: threads, processes, a queue in front of them, and what is known of it. Nothing here is about markets."""
