"""Rules and indicators that traders run, as formulas; by name."""

TREND = {
    "golden cross": "crossed_above(sma(50), sma(200))",
    "death cross": "crossed_below(sma(50), sma(200))",
    "exponential crossover": "crossed_above(ema(12), ema(26))",
    "three averages in order": "sma(5) > sma(20) > sma(50) and close > sma(5)",
    "MACD crosses its signal": "crossed_above(macd().macd, macd().signal)",
    "MACD crosses zero": "crossed_below(macd(12, 26, 9).macd, 0)",
    "MACD histogram turns up": "(h := macd().histogram) > lag(h, 1) and lag(h, 1) < lag(h, 2) and h < 0",
    "percentage price oscillator": "ppo(close, 12, 26, 1) - ema(ppo(close, 12, 26, 1), 9)",
    "trend strength": "adx(14) > 25 and plus_di(14) > minus_di(14)",
    "directional crossover": "crossed_above(plus_di(14), minus_di(14)) and adx(14) > lag(adx(14), 3)",
    "Aroon crossover": "crossed_above(aroon(25).up, aroon(25).down)",
    "Ichimoku crossover": "crossed_above(ichimoku().conversion, ichimoku().base)",
    "above the cloud": "close > maximum(ichimoku().leading_a, ichimoku().leading_b)",
    "parabolic stop flips": "crossed_above(close, sar(0.02, 0.2))",
    "Hull moving average": "wma(2 * wma(close, 10) - wma(close, 20), 4)",
    "regression channel": "(close - linearreg(close, 50)) / stddev(close - linearreg(close, 50), 50)",
    "slope in percent": "100 * linearreg_slope(close, 20) / sma(close, 20)",
    "Kaufman efficiency": "abs(delta(close, 10)) / total(abs(delta(close, 1)), 10)",
    "adaptive average turns": "(k := kama(10)) > lag(k, 1) and lag(k, 1) <= lag(k, 2)",
    "vortex": "(total(abs(high - lag(low, 1)), 14) - total(abs(low - lag(high, 1)), 14)) / total(trange(), 14)",
    "Elder's impulse": "(e := ema(13)) > lag(e, 1) and (h := macd().histogram) > lag(h, 1)",
    "twelve months without the last": "lag(close, 21) / lag(close, 252) - 1",
    "near the high of a year": "close / highest(high, 252)",
}

BREAKOUT = {
    "Turtle entry": "close > lag(highest(high, 20), 1)",
    "Turtle exit": "close < lag(lowest(low, 10), 1)",
    "Turtle position": "bars_since(close > lag(highest(high, 20), 1)) < bars_since(close < lag(lowest(low, 10), 1))",
    "Donchian middle": "(highest(high, 20) + lowest(low, 20)) / 2",
    "Keltner breakout": "close > ema(20) + 2 * atr(10)",
    "Bollinger inside Keltner": (
        "bbands(20).upper < ema(20) + 1.5 * atr(20) and bbands(20)[2] > ema(20) - 1.5 * atr(20)"
    ),
    "squeeze fires": "(on := bbands(20).upper < sma(20) + 1.5 * atr(20)) < lag(on, 1)",
    "narrowest bands of half a year": "(w := (bbands(20).upper - bbands(20).lower) / sma(20)) <= lowest(w, 126)",
    "breakout on volume": "volume > 2 * sma(volume, 20) and close > lag(highest(high, 20), 1)",
    "volatility breakout": "close > open + 0.5 * lag(high - low, 1)",
    "narrowest range of seven": "(r := high - low) <= lowest(r, 7)",
    "inside bar": "high < lag(high, 1) and low > lag(low, 1)",
    "gap up that holds": "open > 1.005 * lag(high, 1) and low > lag(high, 1)",
    "opening range": "crossed_above(close, value_when(date() != lag(date(), 1), high))",
}

REVERSION = {
    "RSI leaves oversold": "crossed_above(rsi(14), 30)",
    "two-bar RSI": "close > sma(200) and rsi(2) < 10",
    "Connors' RSI": (
        "(rsi(3) + rsi((up := bars_since(close <= lag(close, 1))) - (down := bars_since(close >= lag(close, 1))), 2)"
        " + 100 * ts_rank(returns(close), 100)) / 3"
    ),
    "below the lower band": "close < bbands(20, 2, 2).lower",
    "percent b": "(close - bbands(close, 20, deviations=2).lower) / (bbands(20).upper - bbands(20).lower)",
    "z-score": "zscore(close, 20) if abs(zscore(close, 20)) > 2 else 0",
    "stochastic turns in oversold": "crossed_above(stoch().slowk, stoch().slowd) and stoch().slowk < 20",
    "stochastic RSI": "stochrsi(14, 14, 3, 0).fastk < 20 and stochrsi(14, 14, 3, 0).fastd < 20",
    "Williams' percent range": "crossed_above(willr(14), -80)",
    "commodity channel": "crossed_below(cci(20), 100)",
    "ultimate oscillator": "ultosc(7, 14, 28) < 30 and close > lag(close, 1)",
    "money flow against price": "mfi(14) > lag(mfi(14), 5) and close < lag(close, 5)",
    "RSI divergence": (
        "(pivot := lag(low, 2) <= lowest(low, 5)) and low < value_when(pivot, lag(low, 2))"
        " and rsi(14) > value_when(pivot, lag(rsi(14), 2))"
    ),
    "engulfing when oversold": "cdlengulfing() > 0 and rsi(14) < 50",
    "morning star": "cdlmorningstar(0.3)",
    "doji at the band": "cdldoji() > 0 and (high > bbands(20).upper or low < bbands(20).lower)",
    "hammer": "(body := abs(close - open)) * 2 < minimum(open, close) - low and high - maximum(open, close) < body",
    "detrended price": "close - lag(sma(20), 11)",
    "Monday after a weak Friday": "weekday() == 0 and lag(returns(close), 1) < -0.01",
}

VOLUME = {
    "on-balance volume above its mean": "obv() > sma(obv(), 20)",
    "accumulation oscillator crosses": "crossed_above(adosc(3, 10), 0)",
    "Chaikin's money flow": ("total(((close - low) - (high - close)) / (high - low) * volume, 20) / total(volume, 20)"),
    "force index": "ema(delta(close, 1) * volume, 13)",
    "money-weighted average": "total(typprice() * volume, 20) / total(volume, 20)",
    "average price of the day": (
        "total_since(start := date() != lag(date(), 1), typprice() * volume) / total_since(start, volume)"
    ),
}

EXITS = {
    "chandelier": "highest(high, 22) - 3 * atr(22)",
    "trailing stop since entry": "close < highest_since(crossed_above(close, sma(20)), close - 3 * atr(10))",
    "Supertrend-like side": (
        "bars_since(close > lag(lowest(medprice() + 3 * atr(10), 10), 1))"
        " < bars_since(close < lag(highest(medprice() - 3 * atr(10), 10), 1))"
    ),
    "fall since entry": "close / highest_since(crossed_above(ema(10), ema(30)), high) - 1",
    "profit since entry": "close / value_when(crossed_above(ema(10), ema(30)), close) - 1",
    "worst since entry": ("lowest_since(entry := crossed_above(rsi(14), 50), low) / value_when(entry, close)"),
    "out after ten bars": "bars_since(crossed_above(close, sma(50))) >= 10",
    "position size": "clip(0.15 / volatility(20, 252), 0, 2)",
    "bars up in a row": "bars_since(not close > lag(close, 1))",
    "turn of the month": "day() >= 28 or day() <= 3",
    "fall from the top so far": "close / highest_since(is_nan(lag(close, 1)), close) - 1",
}

OSCILLATORS = {
    "awesome oscillator": "sma(medprice(), 5) - sma(medprice(), 34)",
    "Coppock curve": "wma(roc(14) + roc(11), 10)",
    "know sure thing": "sma(roc(10), 10) + 2 * sma(roc(15), 10) + 3 * sma(roc(20), 10) + 4 * sma(roc(30), 15)",
    "true strength": ("100 * ema(ema(delta(close, 1), 25), 13) / ema(ema(abs(delta(close, 1)), 25), 13)"),
    "ulcer index": "sqrt(sma((100 * (close / highest(close, 14) - 1)) ** 2, 14))",
    "relative vigour": "sma(close - open, 10) / sma(high - low, 10)",
    "momentum of momentum": "mom(mom(10), 5)",
    "normalised range": "natr(14) / lag(natr(14), 20) - 1",
    "trix signal": "trix(15) - ema(trix(15), 9)",
    "Chande's momentum": "cmo(14) if adx(14) < 20 else nan",
}

FACTORS = {
    "alpha 6": "-1 * correl(open, volume, 10)",
    "alpha 12": "sign(delta(volume, 1)) * (-1 * delta(close, 1))",
    "alpha 33 without rank": "1 - open / close",
    "alpha 41": "(high * low) ** 0.5 - typprice()",
    "alpha 53": "-delta(((close - low) - (high - close)) / (close - low), 9)",
    "alpha 54": "-((low - close) * open ** 5) / ((low - high) * close ** 5)",
    "alpha 101": "(close - open) / (high - low + 0.001)",
    "time-series rank": "ts_rank(volume, 32) * (1 - ts_rank(close + high - low, 16))",
    "skewed returns": "skew(returns(close), 60) - kurtosis(returns(close), 60) / 10",
    "covariance of price and volume": "covariance(returns(close), returns(volume), 20) / var(returns(close), 20)",
    "place in the range of a month": "(close - lowest(close, 21)) / (highest(close, 21) - lowest(close, 21))",
    "bars since the high": "argmax(high, 25) - argmin(low, 25)",
    "distance from the median": "close / median(close, 20) - quantile(close, 50, 0.75) / close",
    "compounded return": "product(1 + returns(close), 20) - 1",
}

STRATEGIES = {**TREND, **BREAKOUT, **REVERSION, **VOLUME, **EXITS, **OSCILLATORS, **FACTORS}
