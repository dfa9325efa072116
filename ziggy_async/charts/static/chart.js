// Draws one ticker with TradingView's Lightweight Charts, which has to be there as the global LightweightCharts.
//
// content: {ticker, lines: [{name, pane}], bars: [[seconds, open, high, low, close, volume, value of each line], ...],
//           signal: {direction, entry, stop, target} or null, markers: [{time, direction, text}]}
// Pane 0 is that of the candles. Text is only ever set as text. Styles are set on elements, as a strict content
// security policy allows.

const THEMES = {
  light: {
    text: "#4a5568", strong: "#111827", grid: "#eef1f5", border: "#d9dfe7", cross: "#8a95a5", label: "#475569",
    up: "#0f8f7c", down: "#cf3f3a", volumeUp: "#0f8f7c38", volumeDown: "#cf3f3a38",
    lines: ["#2563eb", "#c27803", "#7c3aed", "#0891b2", "#be185d", "#4d7c0f", "#9a3412", "#475569"],
  },
  dark: {
    text: "#8d99ab", strong: "#e6eaf0", grid: "#1a212c", border: "#2a3341", cross: "#5d6a7e", label: "#3a4657",
    up: "#2bb5a0", down: "#ef6461", volumeUp: "#2bb5a033", volumeDown: "#ef646133",
    lines: ["#6ea8fe", "#e3b04b", "#b794f6", "#4fd1e5", "#f687b3", "#a3d468", "#fb9d6c", "#a3b0c2"],
  },
};
const FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const DAY = 86400;
const SHOWN = 160; // bars at first

export function drawChart(element, content, {dark = false} = {}) {
  const chart = new Chart(element, dark ? THEMES.dark : THEMES.light);
  chart.draw(content);
  return {
    update: (next) => chart.update(next),
    restyle: ({dark: isDark}) => chart.restyle(isDark ? THEMES.dark : THEMES.light),
    remove: () => chart.remove(),
  };
}

class Chart {
  constructor(element, theme) {
    this.theme = theme;
    this.frame = document.createElement("div");
    Object.assign(this.frame.style, {position: "relative", width: "100%", height: "100%"});
    element.append(this.frame);
    this.sizes = new ResizeObserver(() => this.placeLegends());
    this.sizes.observe(this.frame);
  }

  draw(content) {
    this.clear();
    this.content = content;
    this.bars = content.bars;
    this.hovered = null;
    const {createChart, CandlestickSeries, HistogramSeries, LineSeries, createSeriesMarkers} = LightweightCharts;
    this.chart = createChart(this.frame, {...this.look(), autoSize: true});
    const format = priceFormat(this.bars);
    this.candles = this.chart.addSeries(CandlestickSeries, {...this.candleLook(), priceFormat: format});
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume", priceFormat: {type: "volume"}, lastValueVisible: false, priceLineVisible: false,
    });
    this.volume.priceScale().applyOptions({scaleMargins: {top: 0.84, bottom: 0}});
    this.candles.priceScale().applyOptions({scaleMargins: {top: 0.1, bottom: 0.2}});
    this.lines = content.lines.map(({name, pane}, at) => {
      const isBars = name.endsWith(".histogram");
      const options = {
        color: this.colour(at), lineWidth: 1.5, priceLineVisible: false, lastValueVisible: pane > 0,
        crosshairMarkerRadius: 3, ...(pane === 0 ? {priceFormat: format} : {}),
      };
      return this.chart.addSeries(isBars ? HistogramSeries : LineSeries, options, pane);
    });
    this.markers = createSeriesMarkers(this.candles, []);
    this.chart.panes().forEach((pane, at) => pane.setStretchFactor(at === 0 ? 3 : 1));
    this.setAll();
    this.showSignal();
    this.chart.timeScale().setVisibleLogicalRange({from: this.bars.length - SHOWN, to: this.bars.length + 4});
    this.chart.subscribeCrosshairMove(({logical}) => {
      this.hovered = logical === undefined ? null : logical;
      this.fillLegends();
    });
    this.makeLegends();
  }

  update(content) {
    if (!this.isAlike(content)) {
      this.draw(content);
      return;
    }
    const last = this.bars.at(-1)[0];
    const news = content.bars.filter(([time]) => time >= last);
    const isTail = content.bars.length > 0 && content.bars[0][0] >= last;
    if (isTail) {
      if (news[0][0] === last) this.bars.pop();
      this.bars.push(...news);
      for (const bar of news) this.put(bar);
    } else {
      this.bars = content.bars;
      this.setAll();
    }
    this.content = {...content, bars: this.bars};
    this.showSignal();
    this.fillLegends();
  }

  restyle(theme) {
    this.theme = theme;
    if (!this.chart) return;
    this.chart.applyOptions(this.look());
    this.candles.applyOptions(this.candleLook());
    this.lines.forEach((line, at) => line.applyOptions({color: this.colour(at)}));
    this.setAll();
    this.showSignal();
    this.makeLegends();
  }

  remove() {
    this.clear();
    this.sizes.disconnect();
    this.frame.remove();
  }

  clear() {
    this.chart?.remove();
    this.chart = null;
    this.priceLines = [];
    this.frame.replaceChildren();
  }

  isAlike({ticker, lines}) {
    const names = (each) => JSON.stringify(each.map(({name, pane}) => [name, pane]));
    return this.bars.length > 0 && ticker === this.content.ticker && names(lines) === names(this.content.lines);
  }

  setAll() {
    const {bars} = this;
    const step = Math.min(...bars.slice(-50).map((bar, at, all) => (at ? bar[0] - all[at - 1][0] : Infinity)));
    this.isDaily = step >= DAY && step !== Infinity;
    this.hasSeconds = step < 60;
    this.chart.applyOptions({timeScale: {timeVisible: !this.isDaily, secondsVisible: this.hasSeconds}});
    this.candles.setData(bars.map(candle));
    this.volume.setData(bars.map((bar) => this.volumeOf(bar)));
    this.lines.forEach((line, at) => line.setData(bars.map((bar) => point(bar, at))));
  }

  put(bar) {
    this.candles.update(candle(bar));
    this.volume.update(this.volumeOf(bar));
    this.lines.forEach((line, at) => line.update(point(bar, at)));
  }

  volumeOf([time, open, , , close, volume]) {
    return {time, value: volume, color: close >= open ? this.theme.volumeUp : this.theme.volumeDown};
  }

  showSignal() {
    const {signal, markers = []} = this.content;
    const {theme} = this;
    for (const line of this.priceLines) this.candles.removePriceLine(line);
    const levels = signal ? [
      ["entry", signal.entry, theme.cross, 0],
      ["stop", signal.stop, theme.down, 2],
      ["target", signal.target, theme.up, 2],
    ] : [];
    this.priceLines = levels
      .filter(([, price]) => price !== null)
      .map(([title, price, color, lineStyle]) =>
        this.candles.createPriceLine({title, price, color, lineStyle, lineWidth: 1, axisLabelVisible: true}));
    this.markers.setMarkers(markers.map(({time, direction, text}) => {
      const isLong = direction === "LONG";
      return {
        time, text, position: isLong ? "belowBar" : "aboveBar", shape: isLong ? "arrowUp" : "arrowDown",
        color: isLong ? theme.up : theme.down, size: 0.8,
      };
    }));
  }

  // Legends: one a pane, with the figures of the bar under the cross, or of the last one.

  makeLegends() {
    this.legends?.forEach((legend) => legend.remove());
    this.legends = this.chart.panes().map((_, pane) => {
      const legend = document.createElement("div");
      Object.assign(legend.style, {
        position: "absolute", left: "8px", zIndex: 3, pointerEvents: "none", font: `12px/1.45 ${FONT}`,
        color: this.theme.text, fontVariantNumeric: "tabular-nums", maxWidth: "calc(100% - 84px)",
      });
      legend.dataset.pane = pane;
      this.frame.append(legend);
      return legend;
    });
    this.fillLegends();
    this.placeLegends();
  }

  placeLegends() {
    if (!this.chart) return;
    let top = 4;
    this.chart.panes().forEach((pane, at) => {
      if (this.legends?.[at]) this.legends[at].style.top = `${top}px`;
      top += pane.getHeight() + 1;
    });
  }

  fillLegends() {
    const at = this.hovered === null ? this.bars.length - 1 : Math.min(Math.max(this.hovered, 0), this.bars.length - 1);
    const bar = this.bars[at];
    this.legends.forEach((legend, pane) => {
      const rows = pane === 0 ? [this.priceItems(bar, this.bars[at - 1])] : [];
      const lines = this.content.lines.map(({name}, index) => item(name, this.colour(index), number(bar?.[6 + index]), this.theme.strong));
      rows.push(lines.filter((_, index) => this.content.lines[index].pane === pane));
      legend.replaceChildren(...rows.map(row));
    });
  }

  priceItems(bar, before) {
    const {theme} = this;
    const name = item(this.content.ticker, theme.strong);
    name.style.fontWeight = "600";
    if (!bar) return [name, item("no bars", theme.text)];
    const [time, open, high, low, close, volume] = bar;
    const moment = new Date(time * 1000).toISOString();
    const {precision} = priceFormat(this.bars);
    const prices = [["O", open], ["H", high], ["L", low], ["C", close]];
    const items = [
      name,
      item(moment.slice(0, this.isDaily ? 10 : this.hasSeconds ? 21 : 16).replace("T", " "), theme.text),
      ...prices.map(([label, value]) => item(label, theme.text, value.toFixed(precision), theme.strong)),
    ];
    if (before) {
      const change = close / before[4] - 1;
      const text = `${change >= 0 ? "+" : "−"}${Math.abs(change * 100).toFixed(2)} %`;
      items.push(item(text, change >= 0 ? theme.up : theme.down));
    }
    items.push(item("V", theme.text, compact(volume), theme.strong));
    return items;
  }

  // Over the candles the outputs of one indicator, such as bands, have one colour.
  colour(at) {
    const {lines} = this.content;
    const source = ({name, pane}) => (pane === 0 ? name.replace(/\.\w+$/, "") : `${pane} ${name}`);
    const sources = [...new Set(lines.map(source))];
    return this.theme.lines[sources.indexOf(source(lines[at])) % this.theme.lines.length];
  }

  look() {
    const {theme} = this;
    return {
      layout: {
        background: {type: "solid", color: "transparent"}, textColor: theme.text, fontFamily: FONT, fontSize: 11,
        attributionLogo: false, panes: {separatorColor: theme.border, separatorHoverColor: theme.border},
      },
      grid: {vertLines: {color: theme.grid}, horzLines: {color: theme.grid}},
      crosshair: {
        mode: 0,
        vertLine: {color: theme.cross, labelBackgroundColor: theme.label},
        horzLine: {color: theme.cross, labelBackgroundColor: theme.label},
      },
      rightPriceScale: {borderColor: theme.border},
      timeScale: {borderColor: theme.border, rightOffset: 4},
    };
  }

  candleLook() {
    const {up, down} = this.theme;
    return {upColor: up, downColor: down, borderVisible: false, wickUpColor: up, wickDownColor: down};
  }
}

function candle([time, open, high, low, close]) {
  return {time, open, high, low, close};
}

function point(bar, at) {
  const value = bar[6 + at];
  return value === null || value === undefined ? {time: bar[0]} : {time: bar[0], value};
}

function row(items) {
  const line = document.createElement("div");
  Object.assign(line.style, {display: "flex", flexWrap: "wrap", columnGap: "10px"});
  line.append(...items);
  return line;
}

function item(text, color, value = "", valueColor = "") {
  const span = document.createElement("span");
  span.style.color = color;
  span.append(text);
  if (value) {
    const strong = document.createElement("span");
    Object.assign(strong.style, {color: valueColor, marginLeft: "4px"});
    strong.textContent = value;
    span.append(strong);
  }
  return span;
}

// Two decimals, or as many as show four figures of a price below 1.
function priceFormat(bars) {
  const close = bars.at(-1)?.[4] ?? 100;
  const precision = close >= 1 ? 2 : Math.min(10, 3 - Math.floor(Math.log10(close)));
  return {type: "price", precision, minMove: 10 ** -precision};
}

function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return compact(value);
  return value.toFixed(size >= 1 || size === 0 ? 2 : Math.min(8, 2 - Math.floor(Math.log10(size))));
}

function compact(value) {
  return new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 2}).format(value);
}
