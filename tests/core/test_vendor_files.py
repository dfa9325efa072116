"""Files as vendors write them, and the frames that pandas and polars make of them."""

import io

import pandas as pd
import polars as pl
import pytest

from ziggy_async import BarStore

# Of each the names, a row as they write it, what changes in the next row, and whose bars from when they are.
VENDORS = {
    "Polygon, grouped": ("T,v,vw,o,c,h,l,t,n", "ABC,500,10.5,10,11,12,9,{},3", (1704188400000, 1704274800000), "ABC"),
    "Hyperliquid": (
        "t,T,s,i,o,c,h,l,v,n",
        "{},1704188459999,X,1m,10,11,12,9,500,3",
        (1704188400000, 1704188460000),
        "A",
    ),
    "EODHD within days": (
        "Timestamp,Gmtoffset,Datetime,Open,High,Low,Close,Volume",
        "{},0,2024-01-02 09:{}:00,10,12,9,11,500",
        ((1704188400, 40), (1704188460, 41)),
        "A",
    ),
    "an epoch beside a date and a time": (
        "timestamp,date,time,open,high,low,close,volume",
        "{},2024-01-02,09:{}:00,10,12,9,11,500",
        ((1704188400, 40), (1704188460, 41)),
        "A",
    ),
    "Bybit": ("start_at,open,high,low,close,volume,turnover", "{},10,12,9,11,500,5000", (1704188400, 1704188460), "A"),
    "Bitfinex": ("MTS,OPEN,CLOSE,HIGH,LOW,VOLUME", "{},10,11,12,9,500", (1704188400000, 1704188460000), "A"),
    "CryptoCompare": (
        "time,high,low,open,volumefrom,volumeto,close,conversionType",
        "{},12,9,10,500,5000,11,direct",
        (1704188400, 1704188460),
        "A",
    ),
    "Upbit": (
        "market,candle_date_time_utc,candle_date_time_kst,opening_price,high_price,low_price,trade_price,timestamp,"
        "candle_acc_trade_price,candle_acc_trade_volume,unit",
        "KRW-BTC,2024-01-02T09:{}:00,2024-01-02T18:40:00,10,12,9,11,1704188459999,5000,500,1",
        (40, 41),
        "A",
    ),
    "Tushare within days": (
        "ts_code,trade_time,open,close,high,low,vol,amount",
        "000001.SZ,2024-01-02 09:{}:00,10,11,12,9,500,5000",
        (40, 41),
        "000001.SZ",
    ),
    "baostock within days": (
        "date,time,code,open,high,low,close,volume,amount,adjustflag",
        "2024-01-02,202401020940{}000,sh.600000,10,12,9,11,500,5000,3",
        ("00", "30"),
        "sh.600000",
    ),
    "RiceQuant": (
        "order_book_id,date,open,close,high,low,total_turnover,volume,prev_close",
        "000001.XSHE,2024-01-02 09:{}:00,10,11,12,9,5000,500,10",
        (40, 41),
        "000001.XSHE",
    ),
    "AlgoSeek": (
        "Date,Ticker,TimeBarStart,FirstTradePrice,HighTradePrice,LowTradePrice,LastTradePrice,Volume,TotalTrades",
        "2024-01-02,ABC,09:{},10,12,9,11,500,3",
        (40, 41),
        "ABC",
    ),
    "TimescaleDB": (
        "time_bucket,open,high,low,close,volume",
        "2024-01-02 09:{}:00+00,10,12,9,11,500",
        (40, 41),
        "A",
    ),
    "Portfolio Performance": (
        "Datum,Schlusskurs,Höchstkurs,Tiefstkurs,Eröffnungskurs,Volumen",
        "2024-01-02 09:{}:00,11,12,9,10,500",
        (40, 41),
        "A",
    ),
    "NSE's indices": (
        "Index Name,Index Date,Open Index Value,High Index Value,Low Index Value,Closing Index Value,Volume,P/E",
        "Nifty 50,2024-01-02 09:{}:00,10,12,9,11,500,20",
        (40, 41),
        "Nifty 50",
    ),
    "IEX": (
        "date,open,high,low,close,volume,change,changePercent,label,changeOverTime",
        "2024-01-02 09:{}:00,10,12,9,11,500,1,1.5,Jan 2,1",
        (40, 41),
        "A",
    ),
    "Investing.com in Korean": (
        '"날짜","종가","시가","고가","저가","거래량","변동 %"',
        '"2024- 01- 02 09:{}:00","11","10","12","9","500","1.2%"',
        (40, 41),
        "A",
    ),
    "NSE's indices by day": (
        "Date,Open,High,Low,Close,Shares Traded,Turnover (₹ Cr)",
        "2024-01-02 09:{}:00,10,12,9,11,500,5",
        (40, 41),
        "A",
    ),
    "Frankfurt by Quandl": (
        "Date,Open,High,Low,Close,Change,Traded Volume,Turnover,Last Price of the Day,Daily Traded Units",
        "2024-01-02 09:{}:00,10,12,9,11,,500,1,,",
        (40, 41),
        "A",
    ),
    "OnVista": (
        "Pricing Date,Eroeffnung,Hoch,Tief,Schluss,Volumen",
        "2024-01-02 09:{}:00,10,12,9,11,500",
        (40, 41),
        "A",
    ),
    "GPW": (
        "Nazwa,Data,Otwarcie,Maksimum,Minimum,Zamknięcie,Wolumen",
        "ABC,2024-01-02 09:{}:00,10,12,9,11,500",
        (40, 41),
        "ABC",
    ),
}


def text_of(vendor):
    names, row, changes, _ = VENDORS[vendor]
    rows = [row.format(*change) if isinstance(change, tuple) else row.format(change) for change in changes]
    return "\n".join([names, *rows, ""])


@pytest.mark.parametrize("vendor", VENDORS)
def test_bars_of_vendors(vendor, tmp_path):
    text, symbol = text_of(vendor), VENDORS[vendor][3]
    (tmp_path / "a.csv").write_text(text)
    stores = [BarStore.read(tmp_path / "a.csv")]
    for frame in (pd.read_csv(io.StringIO(text)), pl.read_csv(io.StringIO(text))):
        store = BarStore()
        store.load(symbol, frame)
        stores.append(store)
    for store in stores:
        bars = store.bars(symbol)
        assert str(bars["timestamp"][0]).startswith("2024-01-02T09:40:00.000")
        assert [bars[name][1] for name in ("open", "high", "low", "close", "volume")] == [10, 12, 9, 11, 500]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "00COTAHIST.2024BOVESPA 20241230\n012024010202PETR4 010\n",
            "is a file of B3, whose columns have fixed widths",
        ),
        (
            "日期,成交股數,開盤價,最高價,最低價,收盤價\n113/01/02,500,10,12,9,11\n",
            "'113/01/02' is not a date and time: write its year with four digits, as 2024",
        ),
        (
            "Date,Open,High,Low,Close,Volume\n2024-01-02,10,12,9,11,108.55 shs\n",
            "'108.55 shs' is not a number: write it in full, or K or M behind its digits",
        ),
        (
            "Year,Month,Day,Open,High,Low,Close,Volume\n24,1,2,10,12,9,11,5\n",
            "a date stands apart in 'Year', 'Month', 'Day': join them in one column",
        ),
    ],
)
def test_what_is_refused_says_what_to_write(text, said, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=said):
        BarStore.read(tmp_path / "a.csv")


def test_rows_of_several_tickers_are_not_merged():
    text = text_of("Polygon, grouped") + "DEF,500,10.5,10,11,12,9,1704361200000,3\n"
    with pytest.raises(
        ValueError, match="A: column 'T' holds 2 symbols: 'ABC', 'DEF'; load_frame takes tables of many"
    ):
        BarStore().load("A", pd.read_csv(io.StringIO(text)))


@pytest.mark.parametrize("of_t", ["2024-01-02 09:40:59", "09:40:59.5", "3", "2.5", ""])
@pytest.mark.parametrize("symbol", ["symbol", "other"])
def test_what_is_no_symbol_beside_t_is_refused(of_t, symbol, tmp_path):
    rows = [f"{each},{of_t},BTC,10,12,9,11,5" for each in (1704188400000, 1704188460000)]
    text = "\n".join([f"t,T,{symbol},o,h,l,c,v", *rows, ""])
    _refuse_both(text, tmp_path)


def test_a_symbol_beside_t_and_a_column_of_symbols_is_refused(tmp_path):
    _refuse_both("t,T,symbol,o,h,l,c,v\n1704188400000,NYSE,BTC,10,12,9,11,5\n", tmp_path)


def _refuse_both(text, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=r"both 't' and 'T.*' stand for timestamp"):
        BarStore.read(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="both 't' and 'T' stand for timestamp"):
        BarStore().load_frame(pd.read_csv(io.StringIO(text)))


def test_the_ticker_of_the_file_stands_before_its_names(tmp_path):
    (tmp_path / "SPY.csv").write_text("Date,SPY Open,SPY High,SPY Low,SPY Close,SPY Volume\n2024-01-02,10,12,9,11,5\n")
    assert BarStore.read(tmp_path).bars("SPY")["close"].tolist() == [11]
