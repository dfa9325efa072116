"""Prints a digest of the bits of every indicator and of the features of many tickers, and the instruction set."""

import hashlib
import json

import numpy as np
from reference.bars import walk

from ziggy_async import _core, indicators
from ziggy_async.market_brain.features import FeatureComputer

bars = [walk(n, seed=n) for n in (37, 60, 121, 250)]
digests = {}
for row in indicators.catalog():
    parameters = {p["name"]: p["default"] for p in row["parameters"]}
    digest = hashlib.sha256()
    for part in bars:
        columns = {**part.columns(), "other": part.open}
        many = {f: np.stack([columns[f] * k for k in range(1, 12)]) for f in row["inputs"]}
        for compute in (indicators.series, indicators.snapshot):
            for values in compute(row["name"], **many, **parameters).values():
                digest.update(np.where(np.isnan(values), np.nan, values).tobytes())
    digests[row["name"]] = digest.hexdigest()
store = _core.BarStore()
for number in range(23):
    columns = vars(walk(60 + number // 9, seed=number)).values()
    store._load_rows(f"S{number}", *columns, np.empty((0, 60 + number // 9)), False)
results = _core.features_many(store, FeatureComputer().plan, store.symbols())
digests["features"] = hashlib.sha256(repr(list(results.values())).encode()).hexdigest()
print(json.dumps({"isa": _core.cpu()["isa"], "digests": digests}))
