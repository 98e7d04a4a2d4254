/** Numbers as people of a language read them. Pure: the language comes in. */

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

/** `1.5 MB`, in powers of 1000. */
export function formatBytes(bytes: number, language: string): string {
  const { value, unit } = scale(bytes);
  return number(value, language, unit, unit === 'byte' ? 'long' : 'short');
}

/** `1.5 MB/s`. */
export function formatRate(bytesPerSecond: number, language: string): string {
  const { value, unit } = scale(bytesPerSecond);
  return number(value, language, `${unit}-per-second`, 'short');
}

/** `42 sec`, `3 min 10 sec`, `2 hr 5 min`. */
export function formatDuration(ms: number, language: string): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return number(seconds, language, 'second', 'short');
  if (hours === 0) return pair(minutes, 'minute', seconds % 60, 'second', language);
  return pair(hours, 'hour', minutes % 60, 'minute', language);
}

export function formatCount(count: number, language: string): string {
  return new Intl.NumberFormat(language).format(count);
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string, language: string): string {
  const first = number(large, language, largeUnit, 'short');
  return small === 0 ? first : `${first} ${number(small, language, smallUnit, 'short')}`;
}

function scale(bytes: number): { readonly value: number; readonly unit: string } {
  let value = Math.max(0, Math.round(bytes));
  let step = 0;
  while (value >= 1000 && step < BYTE_UNITS.length - 1) {
    value /= 1000;
    step += 1;
  }
  return { value, unit: BYTE_UNITS[step] ?? 'byte' };
}

/** Making one costs more than using it a thousand times. */
const formats = new Map<string, Intl.NumberFormat>();

function number(value: number, language: string, unit: string, unitDisplay: 'short' | 'long'): string {
  const digits = value < 10 && !Number.isInteger(value) ? 2 : 1;
  const key = `${language} ${unit} ${unitDisplay} ${digits}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(language, {
      style: 'unit',
      unit,
      unitDisplay,
      maximumFractionDigits: digits,
    });
    formats.set(key, format);
  }
  return format.format(value);
}
