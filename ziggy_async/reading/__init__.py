"""Bars out of whatever callers have: `columns` makes the core's plain columns of a table, out of `tables` (any kind as
pairs of name and column), `spellings` (what columns may be called), `timestamps` and `values`; `files` reads CSV and
Parquet with DuckDB."""
