"""Asks for a chart where the package that draws it is missing."""

import sys

sys.modules["litecharts"] = sys.modules["litecharts.js"] = None

from ziggy_async import BarStore
from ziggy_async.charts import chart

chart(BarStore(), "SPY")
