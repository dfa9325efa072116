"""The endpoint and the collector for Prometheus."""

import asyncio
from collections.abc import Iterable, Iterator

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from ziggy_async.api.endpoints import ComputerOf, EndpointGroup
from ziggy_async.api.figures import Figure, of_worker, read
from ziggy_async.api.slices import GilYield
from ziggy_async.async_features import AsyncFeatureComputer, get_async_feature_computer
from ziggy_async.messages import encodable, kind_of, shown


def add_to(group: EndpointGroup, worker: str | None) -> None:
    group.reads_text("/prometheus", PrometheusEndpoint(group.computer, checked_worker(worker)).prometheus)


def checked_worker(worker: object) -> str | None:
    """Raises `TypeError` unless it is a text or None."""
    if worker is not None and not isinstance(worker, str):
        raise TypeError(f"worker: {shown(worker)} is {kind_of(worker)}, not a str")
    return None if worker is None else encodable(worker)


class PrometheusEndpoint:
    """The docstring is the documentation that clients see."""

    def __init__(self, computer: ComputerOf, worker: str | None) -> None:
        self._computer = computer
        self._worker = worker

    async def prometheus(self, request: Request) -> Response:
        """Returns the figures in the text format of Prometheus, or of OpenMetrics when asked for it.

        Counters and histograms begin anew with the process, and those of operations when the metrics are cleared.
        """
        # The figures that this loop changes are read here; those of operations are read and encoded in a thread.
        registry = CollectorRegistry()
        registry.register(FigureCollector(of_worker(self._worker, read(self._computer()))))
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(await asyncio.to_thread(encode, registry), headers={"content-type": media_type})


class FigureCollector(Collector):
    """Figures that are read and encoded once, in a thread that yields the GIL to the loop meanwhile."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics as they are now, and releases the GIL in between."""
        gil = GilYield()
        for figure in gil.between(self._figures):
            metric = figure.to_metric(gil.between)
            metric.samples = YieldingList(metric.samples, gil)
            yield metric

    def describe(self) -> Iterator[Metric]:
        """Gives nothing: to register the collector computes no figures."""
        return iter(())


class YieldingList(list[Sample]):
    """A list whose iteration yields the GIL now and then."""

    def __init__(self, samples: Iterable[Sample], gil: GilYield) -> None:
        super().__init__(samples)
        self._gil = gil

    def __iter__(self) -> Iterator[Sample]:
        return self._gil.between(super().__iter__())


class ComputerCollector(Collector):
    """A collector for a registry of the application's own: `REGISTRY.register(ComputerCollector())`. Collect it in the
    loop that the computer was started in."""

    def __init__(self, computer: AsyncFeatureComputer | None = None, worker: str | None = None) -> None:
        """`computer`: the process's one, looked up each time, if None. `worker`: as for `create_router`."""
        self._computer = computer
        self._worker = checked_worker(worker)

    def collect(self) -> Iterator[Metric]:
        """Yields the computer's metrics as they are now, for `prometheus_client`."""
        figures = read(self._computer or get_async_feature_computer())
        return (figure.to_metric() for figure in of_worker(self._worker, figures))

    def describe(self) -> Iterator[Metric]:
        """Does what `collect` does: a registry refuses a second collector that has the same names."""
        return self.collect()
