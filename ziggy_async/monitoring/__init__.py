"""Watches a computer from outside: limits, alert rules of Prometheus, a dashboard of Grafana."""
