"""Features, regime and signals of the market-brain store."""
