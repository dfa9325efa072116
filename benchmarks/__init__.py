"""What the package costs, beside what its user would otherwise do: `python -m benchmarks [names]`."""
