"""Python callables off the event loop: on threads, in processes, on other loops. No part of it knows markets."""
