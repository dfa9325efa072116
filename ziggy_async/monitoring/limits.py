"""The limits that a healthy computer keeps to."""

LEAST_SUCCESS_RATE = 95.0
"""Percent of the operations."""
MOST_P95_MS = 100.0
MOST_AVERAGE_MS = 50.0
MOST_LOOP_LAG_MS = 10.0
"""95 % of the times that the loop was asked for, it came within this."""
