"""Uses the package without OpenTelemetry; prints what of that is imported all the same."""

import asyncio
import sys

from ziggy_async import AsyncFeatureComputer


async def main() -> None:
    async with AsyncFeatureComputer() as computer:
        await (await computer.enqueue_task("a", int))
        await computer.compute_features_async("SPY")


asyncio.run(main())
print([name for name in sys.modules if name.partition(".")[0] == "opentelemetry"])
