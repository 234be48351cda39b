// Numbers and times as people read them. Whatever is not known is an en dash.

export const NONE = "\u2013";

const whole = new Intl.NumberFormat("en");
const some = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export const count = (number) => (number == null ? NONE : whole.format(number));

/** A rate: three digits are enough. */
export const rate = (number) => (number == null ? NONE : number >= 100 ? whole.format(Math.round(number)) : some.format(number));

/** "1 user", "2 users". */
export const counted = (number, one, many = `${one}s`) => `${whole.format(number)} ${number === 1 ? one : many}`;

/** "12" where everything is shown, "500 of 12,345 shown" where it is not. */
export const shown = (part, total) => (part < total ? `${count(part)} of ${count(total)} shown` : count(total));

/** A short time: "3.2 ms", "1.25 s". */
export function took(seconds) {
  if (seconds == null) return NONE;
  return seconds < 1 ? `${some.format(seconds * 1000)} ms` : `${some.format(seconds)} s`;
}

/** A long time in its two largest units: "5 s", "3 min 20 s", "2 h 5 min", "12 d 4 h". */
export function lasted(seconds) {
  const all = Math.max(0, Math.round(seconds));
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, length]) => all >= length);
  if (first < 0) return "0 s";
  const [unit, length] = units[first];
  const rest = units[first + 1];
  const more = rest ? Math.floor((all % length) / rest[1]) : 0;
  return `${Math.floor(all / length)} ${unit}${more ? ` ${more} ${rest[0]}` : ""}`;
}

export const ago = (seconds) => (seconds < 2 ? "now" : `${lasted(seconds)} ago`);

export function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let [size, at] = [number, 0];
  while (size >= 1024 && at < units.length - 1) [size, at] = [size / 1024, at + 1];
  return `${some.format(size)} ${units[at]}`;
}

/** The time of day where the browser is. */
export const timeOfDay = (milliseconds) => clock.format(new Date(milliseconds));

/** The day in UTC, as certificates have it. */
export const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
