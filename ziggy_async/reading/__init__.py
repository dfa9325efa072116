"""Bars out of whatever callers have. `columns` makes the core's plain columns of a table: `tables` and `frames` give
any kind as pairs of name and column, which may be `chunked`; `roles` says what the columns are, by their `spellings` in
all `languages`, and `rivals` which one is read where several may be, `layouts` what they are without names; `values`
reads them by `dates`, `iso_texts`, `clocks`, `epochs`, `numbers` and `timestamps`, `epoch_and_date` compares times that
appear twice, `date_parts` joins year, month and day, and `options` are the caller's. `files` reads CSV and Parquet with
DuckDB: `paths` finds them, `texts` unpacks them, `headers` finds their names, `casts` tells DuckDB what their texts
mean, in `sql`, `alike` is for many small ones. `zones` are those of formulas, and of times that name their place."""
