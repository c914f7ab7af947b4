// Owns how numbers, times and values are written in a language; must know nothing of tasks.

const TIME = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** Seconds in a unit, its name, and the number of seconds from which the next one reads better. @type {[number, string, number][]} */
const SPANS = [[1, "second", 100], [60, "minute", 5_400], [3_600, "hour", 172_800], [86_400, "day", Infinity]];

/** @typedef {ReturnType<typeof createFormat>} Format */

/** @param {string} lang a BCP 47 tag */
export function createFormat(lang) {
  const whole = new Intl.NumberFormat(lang);
  const time = new Intl.DateTimeFormat(lang, TIME);
  const day = new Intl.DateTimeFormat(lang, { month: "short", day: "numeric", ...TIME });
  const relative = new Intl.RelativeTimeFormat(lang);
  /** @type {Map<string, Intl.NumberFormat>} */
  const units = new Map();

  /** @param {number} ms @returns {[number, string]} */
  function measure(ms) {
    const seconds = Math.round(ms / 1000);
    const [size, unit] = SPANS.find(([, , below]) => seconds < below) ?? SPANS[SPANS.length - 1];
    return [Math.round(seconds / size), unit];
  }

  return {
    lang,
    /** @param {number} value */
    number: (value) => whole.format(value),
    /** `one` or another plural category of the language. */
    plural: new Intl.PluralRules(lang),
    /** @param {number} ms */
    time: (ms) => time.format(ms),
    /** @param {number} ms */
    day: (ms) => day.format(ms),
    /** A length of time, at least a second. @param {number} ms @returns {string} */
    span(ms) {
      const [count, unit] = measure(Math.max(ms, 1_000));
      let format = units.get(unit);
      if (!format) units.set(unit, (format = new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "long" })));
      return format.format(count);
    },
    /** @param {number} ms from now @returns {string} */
    ahead(ms) {
      const [count, unit] = measure(Math.max(ms, 1_000));
      return relative.format(count, /** @type {Intl.RelativeTimeFormatUnit} */ (unit));
    },
  };
}

/** @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A name as programs write it, for people. @param {string} name */
export const spaced = (name) => capital(name.replaceAll("_", " "));

/** @param {string} text */
export const sentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);
