"""The names of columns in other languages than English, one row a language."""

import unicodedata
from collections import defaultdict
from typing import NamedTuple


def words(text: str) -> tuple[str, ...]:
    """Returns the words of a text, as a table has them."""
    return tuple(text.split())


class Language(NamedTuple):
    """The names of columns, words apart by blanks and without their own: days, times of day, prices, the last price,
    and numbers of shares."""

    date: str
    clock: str
    open: str
    high: str
    low: str
    close: str
    last: str = ""
    volume: str = ""


def _language(row: str) -> Language:
    """Returns the language of these fields, in their order, apart by strokes; the last ones may be away."""
    return Language(*row.split("|"))


GERMAN = _language(
    "datum|uhrzeit zeit|eröffnung eröffn eroeffnung erster eröffnungskurs anfangskurs|hoch höchst hoechst höchstkurs "
    "hoechstkurs tageshoch|tief tiefst tiefstkurs tagestief|schluss schlusskurs schlußkurs|zuletzt|stück stücke "
    "stueck stuecke umsatzinstück umsatzstück"
)
OF_COMMAS = {
    "de": GERMAN,
    "fr": _language("|heure|ouv ouverture|plushaut haut|plusbas bas|clôture clot|dernier|quantitéséchangées"),
    "es": _language("fecha|hora|apertura|máximo|mínimo|cierre|último"),
    "pt": _language("data|hora|abertura|máximo máxima|mínimo mínima|fechamento fecho|último"),
    "it": _language("data|ora|apertura|massimo|minimo|chiusura|ultimo"),
    "nl": _language("datum|tijd|openen|hoog hoogste|laag laagste|slot slotkoers|laatste"),
    "pl": _language(
        "data|czas godzina|otwarcie kursotwarcia|najwyzszy najwyższy kursmax kursmaks kursmaksymalny|najnizszy "
        "najniższy kursmin kursminimalny|zamkniecie zamknięcie kurszamknięcia|ostatnio|wolumen"
    ),
    "ru": _language("дата|время|открытие откр|максимум макс|минимум мин|закрытие|цена|объем объём"),
    "uk": _language("дата|час|відкриття відкр|максимум макс|мінімум мін|закриття|ціна|обсяг"),
    "tr": _language("tarih|saat|açılış|yüksek enyüksek|düşük endüşük|kapanış|şimdi|hacim"),
    "sv": _language(
        "datum|klockslag tidpunkt|öppen öppning öppningskurs|högst högsta|lägst lägsta|stängning stängningskurs "
        "slutkurs|senaste|volym"
    ),
    "no": _language("dato|klokkeslett tidspunkt|åpning åpningskurs|høy høyest|lav lavest|slutt sluttkurs|siste|volum"),
    "da": _language("dato|klokkeslæt tidspunkt|åbning åben|høj højeste|lav laveste|luk lukkekurs|seneste"),
    "fi": _language("päivä päivämäärä pvm|aika klo|avaus avaushinta|ylin|alin|päätös päätöskurssi|viimeisin|volyymi"),
    "cs": _language("datum|čas|otevření otevírací|nejvyšší|nejnižší|zavření závěr|poslední|objem"),
    "sk": _language("dátum|čas|otvorenie|najvyššia|najnižšia|zatvorenie|posledná|objem"),
    "hu": _language("dátum|idő|nyitó nyitóár|legmagasabb|legalacsonyabb|záró záróár|utolsó|mennyiség"),
    "ro": _language("data|ora|deschidere|maxim|minim|închidere|ultimul|volum"),
    "el": _language("ημερομηνία|ώρα|άνοιγμα|υψηλό|χαμηλό|κλείσιμο|τελευταία|όγκος όγκ"),
    "id": _language("tanggal|waktu|pembukaan|tertinggi|terendah|penutupan|terakhir"),
    "vi": _language(
        "ngày|giờ|mở mởcửa giámởcửa|cao caonhất giácaonhất|thấp thấpnhất giáthấpnhất|đóng đóngcửa giáđóngcửa|lầncuối|"
        "kl khốilượng"
    ),
}
OF_POINTS = {
    "zh": _language(
        "日期 交易日期|时间 時間 時刻|开盘 开盘价 開盤 開盤價 開市|最高 最高价 最高價 高|最低 最低价 最低價 低|"
        "收盘 收盘价 收盤 收盤價 收市||成交量 交易量 成交股數 成交數量"
    ),
    "ja": _language("日付 日付け 日時||始値|高値|安値|終値||出来高 売買高"),
    "ko": _language("날짜 일자|시간|시가|고가|저가|종가||거래량"),
    "th": _language("วันที่ วันเดือนปี|เวลา|เปิด|สูง สูงสุด|ต่ำ ต่ำสุด|ปิด|ล่าสุด|ปริมาณ"),
    "he": _language("תאריך|שעה|פתיחה|גבוה|נמוך|סגירה|שער|נפח"),
    "ar": _language("التاريخ|الوقت|الافتتاح|الأعلى|الأدنى|الإغلاق||الحجم"),
}
"""The languages, apart by the decimal mark where they are spoken, if a few countries are left out."""
LANGUAGES = (*OF_COMMAS.values(), *OF_POINTS.values())
UNMARKED = str.maketrans("łøđıæß", "lodias")
SHORTEST_UNMARKED = 4
"""Letters of a name that is also known without the marks of its letters."""


def letters_of(text: str) -> str:
    """Returns the letters by which names are compared."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text.casefold())))


def words_of(field: str, languages: tuple[Language, ...] = LANGUAGES) -> tuple[str, ...]:
    """Returns the names that a field has in all languages, also without the marks of their letters, and those of
    Turkish capitals, of which the small letter of I is another one."""
    names = [letters_of(word) for language in languages for word in getattr(language, field).split()]
    capitals = (name.replace("ı", "i") for name in names)
    unmarked = (_unmarked(name) for name in names)
    return tuple(dict.fromkeys((*names, *capitals, *(name for name in unmarked if len(name) >= SHORTEST_UNMARKED))))


def _unmarked(name: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", name.translate(UNMARKED))))


FIGURES = ("open", "high", "low", "close", "last", "volume")
NAMES_OF_COMMAS = frozenset(name for field in FIGURES for name in words_of(field, tuple(OF_COMMAS.values())))
"""Names of prices and volumes beside which a point may stand between thousands."""

NAMES_OF_MONTHS = """
january february march april may june july august september october november december
januar februar märz april mai juni juli august september oktober november dezember
jänner feber maerz april mai juni juli august september oktober november dezember
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
januari februari maart april mei juni juli augustus september oktober november december
januari februari mars april maj juni juli augusti september oktober november december
januar februar marts april maj juni juli august september oktober november december
januar februar mars april mai juni juli august september oktober november desember
stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
января февраля марта апреля мая июня июля августа сентября октября ноября декабря
ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
"""
SHORTENED = {"mrz": 3, "mrt": 3, "sept": 9}


def _months() -> dict[str, int]:
    """Returns the names, and their beginnings of three letters and more that are those of one month."""
    whole, short = dict(SHORTENED), defaultdict[str, set[int]](set)
    for names in NAMES_OF_MONTHS.splitlines():
        for number, name in enumerate(names.split(), start=1):
            for each in (name, _unmarked(name)):
                whole[each] = number
                for end in range(3, len(each)):
                    short[each[:end]].add(number)
    return {name: min(numbers) for name, numbers in short.items() if len(numbers) == 1} | whole


MONTHS = _months()
"""The numbers of months by their names, in small letters."""
