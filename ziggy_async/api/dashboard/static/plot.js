// A small plot of the last minutes: lines over time.

const {LightweightCharts} = window;
const LEAST_SECONDS = 120;

export class Plot {
  // series: [{color: a custom property of the style sheet, filled, steps}]; format(value) labels the axis.
  constructor(element, series, format, isWhole) {
    this.series = series;
    this.chart = LightweightCharts.createChart(element, {
      autoSize: true,
      layout: {attributionLogo: false}, // it would bring a style sheet of its own, which the policy refuses
      handleScroll: false,
      handleScale: false,
      timeScale: {timeVisible: true, secondsVisible: true, borderVisible: false, rightOffset: 0, lockVisibleTimeRangeOnResize: true},
      rightPriceScale: {borderVisible: false, scaleMargins: {top: 0.12, bottom: 0.06}},
      crosshair: {horzLine: {visible: false, labelVisible: false}},
    });
    this.lines = series.map(({filled, steps}) =>
      this.chart.addSeries(filled ? LightweightCharts.AreaSeries : LightweightCharts.LineSeries, {
        priceFormat: {type: "custom", minMove: isWhole ? 1 : 0.001, formatter: format}, lineWidth: 1.5, priceLineVisible: false, lastValueVisible: false, crosshairMarkerRadius: 2, lineType: steps ? 1 : 0,
        autoscaleInfoProvider: (original) => {
          const found = original();
          if (!found) return {priceRange: {minValue: 0, maxValue: 1}};
          const {maxValue} = found.priceRange;
          return {priceRange: {minValue: 0, maxValue: Math.max(maxValue, isWhole ? 1 : 1e-3)}};
        },
      }));
    this.restyle();
  }

  // points: [[seconds, value of each line or null], ...], oldest first.
  // So that the first ones come in from the right, empty seconds stand before them.
  set(points) {
    const first = points[0]?.[0] ?? 0;
    const missing = Math.max(0, LEAST_SECONDS - points.length);
    const empty = Array.from({length: missing}, (_, at) => ({time: first - missing + at}));
    this.lines.forEach((line, at) => line.setData([...empty, ...points.map((point) => dot(point, at))]));
    this.chart.timeScale().fitContent();
  }

  add(point) {
    this.lines.forEach((line, at) => line.update(dot(point, at)));
    this.chart.timeScale().fitContent();
  }

  restyle() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(name).trim();
    this.chart.applyOptions({
      layout: {
        background: {type: "solid", color: "transparent"}, textColor: value("--faint"), fontSize: 10,
        fontFamily: style.fontFamily,
      },
      grid: {vertLines: {visible: false}, horzLines: {color: value("--line-soft")}},
      crosshair: {vertLine: {color: value("--faint"), labelBackgroundColor: value("--line")}},
    });
    this.series.forEach(({color, filled}, at) => {
      const stroke = value(color);
      this.lines[at].applyOptions(filled ? {lineColor: stroke, topColor: `${stroke}33`, bottomColor: `${stroke}05`} : {color: stroke});
    });
  }

  remove() {
    this.chart.remove();
  }
}

function dot(point, at) {
  const value = point[at + 1];
  return value === null ? {time: point[0]} : {time: point[0], value};
}
