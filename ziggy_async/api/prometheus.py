"""A computer's figures as Prometheus reads them."""

import asyncio
from collections.abc import Iterable, Iterator

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from ziggy_async.api.figures import Figure, read
from ziggy_async.api.rooms import ComputerOf, Room
from ziggy_async.api.slices import Rests
from ziggy_async.async_features import AsyncFeatureComputer, get_async_feature_computer


def add_to(room: Room) -> None:
    room.reads_text("/prometheus", PrometheusEndpoint(room.computer).prometheus)


class PrometheusEndpoint:
    """The docstring is the documentation that clients see."""

    def __init__(self, computer: ComputerOf) -> None:
        self._computer = computer

    async def prometheus(self, request: Request) -> Response:
        """The figures in the text format of Prometheus, or of OpenMetrics when asked for it.

        Counters and histograms begin anew with the process, and those of operations when the metrics are cleared.
        """
        # What this loop changes is read here, the many figures of operations and their text are made elsewhere.
        registry = CollectorRegistry()
        registry.register(RestingReading(read(self._computer())))
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(await asyncio.to_thread(encode, registry), headers={"content-type": media_type})


class RestingReading(Collector):
    """Figures that are read and encoded once, in a thread: it rests meanwhile, so that the loop beside it gets the
    GIL."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        rests = Rests()
        for figure in rests.among(self._figures):
            metric = figure.to_metric(rests.among)
            metric.samples = RestingList(metric.samples, rests)
            yield metric

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering asks nothing."""
        return iter(())


class RestingList(list[Sample]):
    """Whoever goes through it rests now and then."""

    def __init__(self, samples: Iterable[Sample], rests: Rests) -> None:
        super().__init__(samples)
        self._rests = rests

    def __iter__(self) -> Iterator[Sample]:
        return self._rests.among(super().__iter__())


class ComputerCollector(Collector):
    """For a registry of the application's own: `REGISTRY.register(ComputerCollector())`. It is to be collected in the
    loop that the computer was started in."""

    def __init__(self, computer: AsyncFeatureComputer | None = None) -> None:
        """`computer`: the process's one, looked up each time, if None."""
        self._computer = computer

    def collect(self) -> Iterator[Metric]:
        return (figure.to_metric() for figure in read(self._computer or get_async_feature_computer()))

    def describe(self) -> Iterator[Metric]:
        """The figures as they are now: by their names a registry refuses a second collector."""
        return self.collect()
