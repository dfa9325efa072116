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
                         with forming=1 of the one so far; 5m 4h 1d 1w 1mo. A period
                         has the first open, the highest high, the lowest low, the
                         last close, all of the volume, and of a further column the
                         last value that is a number
  hour() minute()        the bar's time of day, in the store's zone
  weekday() day() month() date()
                         of the day that the bar belongs to, as that of every("1d", x):
                         it begins at the store's day_start, which is midnight unless
                         given, and is named after the date on which it begins. Monday
                         is 0; date() counts days from 1970-01-01
"""

READING = """\
A file is CSV (also in gzip, bzip2, xz, zstd, zip) or Parquet with columns for
time, open, high, low, close and volume, which are known by their common names.
Its symbols are those of a symbol column, of folders symbol=AAPL, or what its
name begins with. What can be read in two ways is refused with both readings,
and an option decides: --dates dmy, --unit ms, --columns close=adjClose. A time
of day is written 09:30; 930 and Excel's serial days are refused.

Exit codes: 0 done; 1 a ticker is unknown (the others are shown), standard
output cannot be written, or regress or verify found something; 2 the command,
a file (that of --output too) or an address is wrong; 130 interrupted; 141
nobody reads the output any more.
"""

TROUBLE = """\
What to do about
  loop lag above 10 ms, /health degraded
      Python computes for 10 ms and more in a thread, or something blocks in the
      loop itself: use_process_pool=True; py-spy dump; ASYNC_FEATURES_WAKE=eventfd
      where another thread hogs the GIL.
  "Task queue full" in the log (once until half of the queue is free again)
      Work comes faster than it is done; what is dropped is among the dead
      letters. /operations shows what is slow: more workers, on_full, a larger
      queue.
  features with stale: true
      The bar source failed: bar_source_stats(), the log.
  "cannot be pickled"
      A lambda or closure for a process: a function of a module.
  "Stuck threads", not ready
      Calls hang although nobody waits for them any more; each is replaced, up
      to four times the workers: a timeout in the call itself.
  WorkerLost at each stop under systemd
      SIGTERM goes to the processes of the pool too: KillMode=mixed.
"""

VERIFICATION = """\
Computes each formula at once, bar by bar as bars are appended and revised, in
lanes of every width and with later bars left out, and compares the bits. Exit
code 1 if a formula differs, or looks ahead.
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
  # When there is a place again it is requeued, and done after the nap.
  curl -s -X DELETE $A/api/tasks/nap-2
  curl -s -X POST $P/dead-letters/requeue   # ... 1 requeued, 0 refused ...
  sleep 6; curl -s $A/api/tasks/late        # ... "state":"succeeded" ...
  kill %1
"""

REQUESTS = """\
Requests; http://127.0.0.1:8000/docs has all that there are:
  A=http://127.0.0.1:8000; P=$A/api/performance
  J='content-type: application/json'
  curl "$P/metrics?last_n=5"; curl -i $P/health/ready; curl $P/prometheus
  curl -X POST "$P/benchmarks/feature-computation?num_operations=200"
  curl -G $A/api/features/SPY --data-urlencode "formula=close / sma(20)"
  curl -G $A/api/history/SPY -d bars=3 --data-urlencode "formula=rsi(14)"
  curl -NG $A/api/live -d tickers=SPY,TELE01 \\
    --data-urlencode "formula=rsi(14)"
  curl $A/api/screen -H "$J" -d '{"where": "rsi(14) < 30",
    "features": ["rsi(14)"], "sort": "rsi(14)"}'
  curl $A/api/signals -H "$J" -d '{"tickers": ["SPY", "TELE01"]}'
  curl $A/api/bars -H "$J" -d '{"ticker": "SPY", "open": 314, "high": 316,
    "low": 313, "close": 315, "volume": 9e5, "timestamp": "2024-12-06"}'
  curl $A/api/tasks -H "$J" -d '{"task_id": "night-1", "work": "signals",
    "options": {"priority": 5}}'
  curl $A/api/tasks/night-1; curl "$A/api/tasks?state=running"
  curl $A/api/tasks/cancel -H "$J" -d '{"numbers": [1]}'
"""
