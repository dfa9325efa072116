"""Dead letters and metrics."""
