/** Draws points with their spread as an SVG picture, which any browser and any forge shows. */
import type { Spread } from './statistics.ts';

export interface Series {
  readonly title: string;
  readonly points: readonly { readonly x: number; readonly y: Spread }[];
}

export interface AxisStyle {
  readonly title: string;
  readonly isLogarithmic: boolean;
  /** What a tick says. */
  readonly label: (value: number) => string;
}

export interface Plot {
  readonly title: string;
  readonly x: AxisStyle;
  readonly y: AxisStyle;
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 420;
const LEFT = 80;
const RIGHT = 40;
const TOP = 72;
const BOTTOM = 56;
const WHISKER = 4;
const TICKS = 5;
/** Told apart by most who see colours differently: Okabe and Ito's. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];

/** At least one point is needed. */
export function draw({ title, x, y, series }: Plot): string {
  const points = series.flatMap((each) => each.points);
  const across = scaleOf(
    x,
    points.map((point) => point.x),
    LEFT,
    WIDTH - RIGHT,
  );
  const up = scaleOf(
    y,
    points.flatMap((point) => [point.y.least, point.y.most]),
    HEIGHT - BOTTOM,
    TOP,
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 24, title, 'font-size="16" font-weight="bold"'),
    ...across.ticks.flatMap((tick) => [
      line(across.at(tick), TOP, across.at(tick), HEIGHT - BOTTOM, '#ddd'),
      text(across.at(tick), HEIGHT - BOTTOM + 20, x.label(tick), 'text-anchor="middle"'),
    ]),
    ...up.ticks.flatMap((tick) => [
      line(LEFT, up.at(tick), WIDTH - RIGHT, up.at(tick), '#ddd'),
      text(LEFT - 8, up.at(tick) + 4, y.label(tick), 'text-anchor="end"'),
    ]),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x.title, 'text-anchor="middle"'),
    text(-(TOP + HEIGHT - BOTTOM) / 2, 20, y.title, 'text-anchor="middle" transform="rotate(-90)"'),
    ...series.flatMap((each, at) => drawSeries(each, at, across, up)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

function drawSeries({ title, points }: Series, number: number, across: Scale, up: Scale): readonly string[] {
  const colour = COLOURS[number % COLOURS.length] ?? '#222';
  const places = points.map(({ x, y }) => `${round(across.at(x))},${round(up.at(y.median))}`);
  const legend = LEFT + number * 220;
  return [
    `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.flatMap(({ x, y }) => {
      const [place, least, most] = [across.at(x), up.at(y.least), up.at(y.most)];
      return [
        line(place, least, place, most, colour),
        ...[least, most].map((end) => line(place - WHISKER, end, place + WHISKER, end, colour)),
        `<circle cx="${round(place)}" cy="${round(up.at(y.median))}" r="3.5" fill="${colour}"/>`,
      ];
    }),
    line(legend, 46, legend + 24, 46, colour, 3),
    text(legend + 32, 50, title, ''),
  ];
}

function scaleOf({ isLogarithmic }: AxisStyle, values: readonly number[], from: number, to: number): Scale {
  return isLogarithmic ? logarithmic(values, from, to) : linear(values, from, to);
}

/** From one power of ten to another. */
function logarithmic(values: readonly number[], from: number, to: number): Scale {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(Math.ceil(Math.log10(Math.max(...values))), first + 1);
  return {
    at: (value) => from + ((Math.log10(value) - first) / (last - first)) * (to - from),
    ticks: Array.from({ length: last - first + 1 }, (_, number) => 10 ** (first + number)),
  };
}

/** From zero, by a step that is 1, 2 or 5 of its power of ten. */
function linear(values: readonly number[], from: number, to: number): Scale {
  const most = Math.max(...values, Number.MIN_VALUE);
  const power = 10 ** Math.floor(Math.log10(most / TICKS));
  const step = power * ([1, 2, 5, 10].find((each) => each * power * TICKS >= most) ?? 10);
  const count = Math.ceil(most / step);
  return {
    at: (value) => from + (value / (step * count)) * (to - from),
    ticks: Array.from({ length: count + 1 }, (_, number) => step * number),
  };
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, width = 1): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${colour}" stroke-width="${width}"/>`;
}

function text(x: number, y: number, words: string, style: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${style}>${escape(words)}</text>`;
}

function escape(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(place: number): string {
  return place.toFixed(1);
}
