/**
 * The door for limits that a user wrote. A delay that XState cannot use (NaN, 0, negative, too long) fires at once, and
 * a call would end in its first second; so a wrong one is refused here, before any call.
 */
import { defaultPolicy, isCount, MAX_TIMER_MS, type Policy } from './policy.ts';

/** `field` is empty when the whole policy is not an object. */
export type PolicyProblem = { field: string; expected: string; got: string };

/** Every field that cannot be used, not only the first. */
export class PolicyError extends Error {
  override name = 'PolicyError';
  readonly code = 'POLICY_INVALID';
  readonly problems: PolicyProblem[];
  constructor(problems: PolicyProblem[]) {
    const lines = problems.map(
      ({ field, expected, got }) => `  ${field || 'policy'}: expected ${expected}; got ${got}`,
    );
    super(
      ['POLICY_INVALID: the policy cannot be used. Correct these, or leave them out for the default:', ...lines].join(
        '\n',
      ),
    );
    this.problems = problems;
  }
}

const fields = Object.keys(defaultPolicy);
const isField = (name: string): name is keyof Policy => fields.includes(name);
/**
 * Pairs of which the second contains the first, and why. When only the second was given, the default of the first makes
 * room, as this share of it; a bound is never raised to make room.
 */
const order = [
  ['windDownMs', 'maxDurationMs', 1 / 2, 'the caller is told within the call'],
  ['beatMs', 'unresponsiveMs', 1 / 6, 'a living job must be able to beat in time'],
  ['warmStartMs', 'startMs', 1 / 2, 'a warm process is part of the way'],
] as const;

/**
 * Pure. The defaults with `overrides` in their place, frozen.
 *
 * @param overrides fields of Policy; absent and `undefined` mean the default
 * @throws PolicyError listing every unknown field, every value that is no usable limit, and every pair out of order
 */
export function definePolicy(overrides: unknown = {}): Policy {
  if (!isPlainObject(overrides))
    throw new PolicyError([
      { field: '', expected: 'an object such as { maxDurationMs: 600000 }', got: shown(overrides) },
    ]);
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  const problems = given.flatMap(([field, value]) => problemOf(field, value));
  const policy = withRoom({ ...defaultPolicy, ...Object.fromEntries(given) } as Policy, overrides);
  for (const [less, more, , why] of order)
    if (!problems.some(({ field }) => field === less || field === more) && policy[less] >= policy[more])
      problems.push({ field: less, expected: `less than ${more} (${policy[more]}): ${why}`, got: shown(policy[less]) });
  if (problems.length > 0) throw new PolicyError(problems);
  return Object.freeze(policy);
}

function withRoom(policy: Policy, overrides: Record<string, unknown>): Policy {
  const shrunk = order
    .filter(([less, more]) => overrides[less] === undefined && typeof policy[more] === 'number')
    .filter(([less, more]) => policy[less] >= policy[more])
    .map(([less, more, share]) => [less, policy[more] * share || policy[more]] as const);
  return { ...policy, ...Object.fromEntries(shrunk) };
}

/** What a limit of an earlier version has become. */
const replaced: Record<string, string> = {
  fillers: 'fillerMs (how often one is said) and turnMs (how long an answer is waited for)',
};

function problemOf(field: string, value: unknown): PolicyProblem[] {
  if (!isField(field)) {
    const now = Object.hasOwn(replaced, field) ? replaced[field] : undefined;
    if (now !== undefined) return [{ field, expected: now, got: 'a field of an earlier version' }];
    const near = nearest(field);
    const expected = near ? `a field of the policy, perhaps ${near}` : `one of ${fields.join(', ')}`;
    return [{ field, expected, got: 'an unknown field' }];
  }
  const expected = expectedOf(field, value);
  return expected === undefined ? [] : [{ field, expected, got: shown(value) }];
}

/** Pure. What a limit has to be; undefined when this value is that. */
export function expectedOf(field: keyof Policy, value: unknown): string | undefined {
  if (isCount(field))
    return Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'a whole number, 0 or more';
  return typeof value === 'number' && value > 0 && value <= MAX_TIMER_MS
    ? undefined
    : `a number of milliseconds, more than 0 and at most ${MAX_TIMER_MS}`;
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What came, short enough for one line. */
function shown(value: unknown): string {
  if (typeof value === 'number' || value === null) return String(value);
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

/** The field that is meant, when a third of the letters at most are wrong, or two: `idle` for `idleMs`. */
function nearest(name: string): string | undefined {
  const ranked = fields
    .map((field) => ({ field, distance: editDistance(name.toLowerCase(), field.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return ranked && ranked.distance <= Math.max(2, ranked.field.length / 3) ? ranked.field : undefined;
}

/** Letters to insert, remove or replace on the way from one word to another. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [line, letter] of Array.from(from.slice(0, 64)).entries()) {
    const next = [line + 1];
    for (const [column, other] of Array.from(to).entries())
      next.push(
        Math.min((next[column] ?? 0) + 1, (row[column + 1] ?? 0) + 1, (row[column] ?? 0) + (letter === other ? 0 : 1)),
      );
    row = next;
  }
  return row[to.length] ?? 0;
}
