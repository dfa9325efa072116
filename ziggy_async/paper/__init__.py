"""Features of the paper-trading feed."""

from ziggy_async.paper.features import (
    FeatureComputer,
    MarketFeatures,
    PriceData,
    compute_features_async,
    feature_computer,
)

__all__ = ["FeatureComputer", "MarketFeatures", "PriceData", "compute_features_async", "feature_computer"]
