"""`ziggy-async grafana` and `ziggy-async alerts`: files for those who watch a computer."""

import argparse

from ziggy_async.cli.output import print_json, write_out
from ziggy_async.monitoring.alerts import rules
from ziggy_async.monitoring.grafana import dashboard


def grafana(arguments: argparse.Namespace) -> None:
    """Prints a dashboard for Grafana to import."""
    print_json(dashboard())


def alerts(arguments: argparse.Namespace) -> None:
    """Prints a rule file for Prometheus."""
    write_out(rules())
