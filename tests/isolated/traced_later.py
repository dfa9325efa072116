"""Configures OpenTelemetry after the package has been used without it; prints the names of the spans from then on."""

import asyncio

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ziggy_async import AsyncFeatureComputer, tracing


async def main() -> None:
    async with AsyncFeatureComputer() as computer:
        await computer.compute_features_async("before")
        provider, exporter = TracerProvider(), InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        await asyncio.sleep(tracing.LOOK_AGAIN)
        await computer.compute_features_async("after")
        await asyncio.sleep(0)
        for span in exporter.get_finished_spans():
            print(span.name, span.attributes.get("ziggy_async.operation"))


asyncio.run(main())
