"""Charts of one ticker: its candles with formulas on them."""
