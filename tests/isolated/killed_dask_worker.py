"""Workers of Dask with less memory than the data, one of which is killed: a digest of each file's features."""

import os
import signal
import sys

import dask
import dask.dataframe as dd
import distributed
import pandas as pd
from dask_bars import FEATURES, FILES, MEMORY, digest_of

from ziggy_async import _core
from ziggy_async.dask import history


def main() -> None:
    dask.config.set({"distributed.worker.memory.pause": False})  # a worker of pandas may be as large when it is idle
    ddf = dd.read_parquet(sys.argv[1])
    assert ddf.npartitions == FILES
    assert ddf.partitions[0].compute().memory_usage(deep=True).sum() * FILES > MEMORY
    digests = history(ddf, FEATURES).map_partitions(digest_of, FEATURES.names, meta={"first": str, "digest": str})
    options = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": MEMORY, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        futures = client.compute(digests.to_delayed())
        done = distributed.as_completed(futures)
        for _ in range(3):
            next(done)
        victim = next(iter(client.run(os.getpid).values()))
        os.kill(victim, signal.SIGKILL)
        found = pd.concat(client.gather(futures))
        assert victim not in client.run(os.getpid).values()
        assert set(client.run(lambda: _core.pool_stats()["threads"]).values()) == {1}
    for first, digest in found.itertuples(index=False):
        print(first, digest)


if __name__ == "__main__":
    main()
