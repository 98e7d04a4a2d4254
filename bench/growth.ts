/** How cost grows with one thing at a time: what is measured, and how the figures are drawn. */
import { linkSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Data } from './dataSets.ts';
import { dataAt, makeManyNames, makeNoise, SMALL_FILE_BYTES } from './dataSets.ts';
import type { Axis, GrowthPoint, Race } from './figures.ts';
import { OURS } from './ours.ts';
import type { Link } from './paths.ts';
import type { Plot, Series } from './plot.ts';
import { spreadOf } from './statistics.ts';

/** One point of an axis: what to send over what. */
export interface GrowthStep {
  readonly axis: Axis;
  readonly x: number;
  readonly link: Link;
  /** Bytes of the disk, for what is made here and what arrives. */
  readonly needsBytes: number;
  readonly make: (folder: string) => Promise<Data>;
}

const SIZES = [1e6, 1e7, 1e8, 1e9, 1e10];
const FILES = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
const RTTS_MS = [0, 10, 25, 50, 100, 200];
/** What a name and an empty file cost a memory disk, about, besides their pages. */
const FILE_NEEDS_BYTES = 5500;
/** A file beyond this is made of names for the same bytes, so that a memory disk has room for two of it. */
const LARGEST_FILE_BYTES = 1e9;
const LINE_BYTES = 32 * 1024 * 1024;
const LINE = { kind: 'far', rttMs: 50, rateMbit: 300, lossPercent: 0.1 } as const;
const NO_LIMIT: Link = { kind: 'near', rateMbit: undefined };

/** The steps of all axes but the connections, whose numbers are given; `scale` shortens what is sent. */
export function growthSteps(scale: number, lanes: readonly number[]): readonly GrowthStep[] {
  const lineBytes = Math.ceil(LINE_BYTES * scale);
  return [
    ...SIZES.filter((size) => size <= 1e10 * scale).map(sizeStep),
    ...FILES.filter((count) => count <= 1e6 * scale).map(filesStep),
    ...RTTS_MS.map((rttMs) => lineStep('rtt', rttMs, { ...LINE, rttMs }, lineBytes)),
    ...lanes.map((count) => lineStep('lanes', count, LINE, lineBytes)),
  ];
}

function sizeStep(bytes: number): GrowthStep {
  return {
    axis: 'size',
    x: bytes,
    link: NO_LIMIT,
    needsBytes: bytes + Math.min(bytes, LARGEST_FILE_BYTES),
    make: async (folder) => {
      if (bytes <= LARGEST_FILE_BYTES) return makeFile(folder, bytes);
      const source = join(folder, 'files');
      mkdirSync(source);
      const first = join(source, 'file0.bin');
      await makeNoise(first, LARGEST_FILE_BYTES);
      for (let number = 1; number < bytes / LARGEST_FILE_BYTES; number += 1) {
        linkSync(first, join(source, `file${number}.bin`));
      }
      return dataAt(source);
    },
  };
}

function filesStep(count: number): GrowthStep {
  return {
    axis: 'files',
    x: count,
    link: NO_LIMIT,
    needsBytes: count * FILE_NEEDS_BYTES,
    make: async (folder) => {
      const source = join(folder, 'files');
      await makeManyNames(source, count);
      return { source, files: count, bytes: count * SMALL_FILE_BYTES };
    },
  };
}

function lineStep(axis: 'rtt' | 'lanes', x: number, link: Link, bytes: number): GrowthStep {
  return { axis, x, link, needsBytes: 2 * bytes, make: (folder) => makeFile(folder, bytes) };
}

async function makeFile(folder: string, bytes: number): Promise<Data> {
  const source = join(folder, 'file.bin');
  rmSync(source, { force: true });
  await makeNoise(source, bytes);
  return dataAt(source);
}

/** The picture of one axis; `undefined` without figures. */
export function plotOf(
  axis: Axis,
  points: readonly GrowthPoint[],
  titleOf: (tool: string) => string,
): Plot | undefined {
  const own = points.filter((point) => point.axis === axis).toSorted((left, right) => left.x - right.x);
  const tools = [...new Set(own.flatMap(({ race }) => race.tools.map(({ tool }) => tool)))];
  const series = tools
    .toSorted((left, right) => Number(right === OURS) - Number(left === OURS))
    .map((tool): Series => ({
      title: titleOf(tool),
      points: own.flatMap((point) => figureOf(axis, point, tool)),
    }))
    .filter((each) => each.points.length > 0);
  return series.length === 0 ? undefined : { ...STYLES[axis], series };
}

function figureOf(axis: Axis, { x, race }: GrowthPoint, tool: string): Series['points'] {
  const samples = race.tools.find((result) => result.tool === tool)?.samples ?? [];
  if (samples.length === 0) return [];
  return [{ x, y: spreadOf(samples.map(({ seconds }) => (isTimed(axis) ? seconds : speed(race, seconds)))) }];
}

/** Whether seconds are drawn, and not what passes in a second. */
function isTimed(axis: Axis): boolean {
  return axis === 'size' || axis === 'files';
}

function speed({ bytes }: Race, seconds: number): number {
  return bytes / 1e6 / seconds;
}

const SECONDS = { title: 'seconds', isLogarithmic: true, label: String } as const;
const SPEED = { title: 'MB/s', isLogarithmic: false, label: shortNumber } as const;

const STYLES: Readonly<Record<Axis, Omit<Plot, 'series'>>> = {
  size: {
    title: 'Bytes: one file, no limit; beyond 1 GB files of 1 GB',
    x: { title: 'bytes', isLogarithmic: true, label: bytesOf },
    y: SECONDS,
  },
  files: {
    title: 'Files: of 1 KiB each, no limit',
    x: { title: 'files', isLogarithmic: true, label: (value) => value.toLocaleString('en-GB') },
    y: SECONDS,
  },
  rtt: {
    title: 'Distance: one file, 300 Mbit/s, 0.1 % loss',
    x: { title: 'round trip, ms', isLogarithmic: false, label: shortNumber },
    y: SPEED,
  },
  lanes: {
    title: 'Connections: one file, 50 ms, 300 Mbit/s, 0.1 % loss',
    x: { title: 'connections', isLogarithmic: false, label: shortNumber },
    y: SPEED,
  },
};

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function bytesOf(value: number): string {
  const power = Math.min(Math.floor(Math.log10(value) / 3), 3);
  return `${shortNumber(value / 1000 ** power)} ${['B', 'KB', 'MB', 'GB'][power] ?? ''}`;
}
