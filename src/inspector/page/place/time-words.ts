/** Times in few characters. *Pure.* */

/** `0:07.4`, `12:03.0`, `1:02:03`: from the call's first entry on. */
export function sinceBegin(ms: number): string {
  const sign = ms < 0 ? '−' : '';
  const tenths = Math.floor(Math.abs(ms) / 100);
  const [minutes, seconds, tenth] = [Math.floor(tenths / 600), Math.floor(tenths / 10) % 60, tenths % 10];
  const two = (value: number) => String(value).padStart(2, '0');
  if (minutes >= 60) return `${sign}${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds)}`;
  return `${sign}${minutes}:${two(seconds)}.${tenth}`;
}

/** `0.4 s`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 129_600) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** `29 Nov 14:03`, in the reader's time zone. By hand: a list says it forty times a frame, and Intl takes 50 µs for each. */
export function dayAndClock(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getDate()} ${months[date.getMonth()] ?? ''} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
