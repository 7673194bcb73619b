/** Figures as people read them. */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });

export function count(value: number): string {
  return WHOLE.format(value);
}

/** One decimal below a hundred, none above. */
export function figure(value: number): string {
  return Math.abs(value) < 99.95 ? TENTHS.format(value) : WHOLE.format(value);
}

/** Keeps a figure and its unit on one line. */
const NO_BREAK = "\u00a0";

export function bytes(value: number): string {
  if (value < 1000) return value + NO_BREAK + "B";
  if (value < 1e6) return figure(value / 1e3) + NO_BREAK + "kB";
  if (value < 1e9) return figure(value / 1e6) + NO_BREAK + "MB";
  return figure(value / 1e9) + NO_BREAK + "GB";
}

/** A length of time in the two units that matter: `3 d 4 h`, `2 min 5 s`. */
export function duration(seconds: number): string {
  const s = Math.floor(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** A position in a clip: `1:02.45`. */
export function position(seconds: number): string {
  const hundredths = Math.round(Math.max(0, seconds) * 100);
  const minutes = Math.floor(hundredths / 6000);
  const rest = ((hundredths % 6000) / 100).toFixed(2).padStart(5, "0");
  return `${minutes}:${rest}`;
}

/** Milliseconds with as many digits as they deserve. */
export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0)} ms`;
}

export function plural(many: number, noun: string): string {
  return count(many) + NO_BREAK + noun + (many === 1 ? "" : "s");
}
