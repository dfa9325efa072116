"""The page that shows a computer and its market, live."""
