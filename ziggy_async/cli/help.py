"""Longer texts of `--help`."""

LANGUAGE = """\
The language of formulas:
  open high low close volume, column("adj close"), numbers, nan
  + - * / ** %   < <= == != > >=   and or not   a if condition else b
  (name := x)            names a part from there on
  rsi(14), rsi(volume, 14), sma(close * volume, timeperiod=20)
                         an indicator: inputs, all or none; then parameters
  macd().signal, macd()[1]
                         one output of several, the first by default
  abs sign sqrt log log10 exp tanh sin cos tan asin acos atan sinh cosh floor
  ceil power signed_power minimum maximum clip is_nan fill
                         bar by bar
  lag(x, n) delta(x, n) returns(x, n) cumsum(x) skip(x, n)
                         earlier bars
  crossed_above(a, b) crossed_below(a, b) bars_since(c) value_when(c, x)
  highest_since(c, x) lowest_since(c, x) total_since(c, x)
                         events
  of("SPY", x)           x on another ticker's bars, the last one at or before
  rank(x) scale(x) demean(x) standardize(x) winsorize(x, 0.05)
                         among all tickers at that time
  every("1h", x)         x on bars gathered into periods: of the last finished one,
                         with forming=1 of the one so far; 5m 4h 1d 1w 1mo
  hour() minute() weekday() day() month() date()
                         the bar's time
"""

SERVING = """\
Serves the endpoints until SIGTERM or Ctrl+C; then what is queued is done, for
up to 25 seconds. A second signal ends that, and leaves dead letters of the
rest. It answers to its own addresses and names, keeps 500 connections at most,
and waits 10 seconds for the headers of a request, and for its body. A task
`sleep` holds a thread for `seconds` (0 to 3600).
"""

QUEUE = """\
The background queue, from a full one to a dead letter and back:
  ASYNC_FEATURES_QUEUE_SIZE=1 ziggy-async serve --workers 1 --sleepers 1 &
  A=http://127.0.0.1:8000; P=$A/api/performance
  task() { curl -s $A/api/tasks -H 'content-type: application/json' -d "$1"; }
  until curl -sf $P/health/live; do sleep 0.2; done
  # One runs, one waits: the queue is full, and what comes now is dropped.
  for N in 1 2; do
    task '{"task_id": "nap-'$N'", "work": "sleep", "seconds": 5}'
  done
  task '{"task_id": "late", "work": "features", "tickers": ["SPY"],
         "options": {"on_full": "drop_new"}}'
  curl -s $P/dead-letters        # ... "task_id":"late" ... "dropped" ...
  # With room again it is requeued, and done after the nap.
  curl -s -X DELETE $A/api/tasks/nap-2
  curl -s -X POST $P/dead-letters/requeue   # ... 1 requeued, 0 refused ...
  sleep 6; curl -s $A/api/tasks/late        # ... "state":"succeeded" ...
  kill %1
"""
