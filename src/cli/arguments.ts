/** Reading positionals and options, with errors that say what was expected. Pure. */
import { nearest } from '../demo/nearest.ts';
import type { Given } from './command.ts';
import { UsageError } from './problems.ts';

const quoted = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

/** Exactly one. @throws UsageError */
export function only({ positionals }: Given, what: string, command: string): string {
  const [first, ...more] = positionals;
  if (first === undefined)
    throw new UsageError(`${command}: expected ${what}, got nothing; write lastword ${command} ${what}`);
  if (more.length > 0)
    throw new UsageError(`${command}: expected one ${what}, got ${positionals.length}; run it once for each`);
  return first;
}

/** @throws UsageError for any */
export function none({ positionals }: Given, command: string): void {
  if (positionals.length > 0)
    throw new UsageError(
      `${command}: expected no argument, got ${quoted(positionals[0])}; see lastword ${command} --help`,
    );
}

/** One of `known`, or undefined when it was not given. @throws UsageError */
export function choiceOf<const Word extends string>(
  value: string | boolean | undefined,
  known: readonly Word[],
  what: string,
): Word | undefined {
  if (value === undefined) return undefined;
  const found = known.find((word) => word === value);
  if (found !== undefined) return found;
  const near = nearest(String(value), known, 1);
  const advice = near.length > 0 ? `did you mean ${near[0]}?` : 'choose one of them';
  throw new UsageError(`${what}: expected ${known.join(', ')}, got ${quoted(value)}; ${advice}`);
}

const MOST = 10_000;

/** `--limit`, default 50. @throws UsageError */
export function limitOf({ values }: Given): number {
  const given = values['limit'];
  if (given === undefined) return 50;
  const limit = Number(given);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST)
    throw new UsageError(
      `--limit: expected a whole number from 1 to ${MOST}, got ${quoted(given)}; leave it out for 50`,
    );
  return limit;
}

/** *Pure.* `2026-11-20 18:37:24`, in the time zone of this machine. */
export function clock(at: number): string {
  const date = new Date(at);
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The first instant of a day, in the time zone of this machine. @throws UsageError */
export function dayOf(value: string, what: string): number {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value) ?? [];
  const date = new Date(Number(year), Number(month) - 1, Number(day));
  const isDay = date.getMonth() === Number(month) - 1 && date.getDate() === Number(day); // no 30th of February
  if (!isDay) throw new UsageError(`${what}: expected a day such as 2026-11-20, got ${quoted(value)}`);
  return date.getTime();
}
