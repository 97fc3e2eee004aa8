/**
 * What happens next to a delivery after an attempt. Pure.
 *
 * The timers of a delivery are rows of the store, because three days of retries outlive every process; so this is a
 * function with a table (docs/machines/delivery.md), and no XState machine.
 *
 *   D1  only a receiver that says "gone", a destination that is not allowed, or a spent schedule makes a dead letter
 *   D3  a schedule is spent when its attempts are and its time is: who makes its attempts faster (keepers that are restarted
 *       during an outage, a clock that runs ahead) does not make dead letters faster
 *   D2  nothing a receiver answers can bring the next attempt forward: a `Retry-After: 0` from a broken proxy would
 *       otherwise spend the whole schedule in a second
 */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export type DeliveryPolicy = {
  /** Wait before each attempt in milliseconds; the first is for the first attempt. Its length is the number of attempts. */
  schedule: readonly number[];
  /** Each wait is moved by up to this share of itself, either way. */
  jitter: number;
  /** A receiver may ask for a longer wait, up to this. */
  retryAfterMaxMs: number;
};

/** The schedule of Standard Webhooks: ten attempts in three days and some hours. */
export const defaultDeliveryPolicy: DeliveryPolicy = {
  schedule: [0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
  jitter: 0.2,
  retryAfterMaxMs: 24 * HOUR,
};

/** What became of one attempt. */
export type DeliveryOutcome =
  /** A file is on disk, a line is written, a module has resolved. */
  | { kind: 'done' }
  /** `answer`: of one that refuses, the first characters. */
  | { kind: 'answered'; status: number; retryAfterMs?: number; answer?: string }
  /** No answer: connection refused, deadline, an exception in a module, a full disk. */
  | { kind: 'failed'; error: string }
  /** Never to be tried: a private address, a URL outside the allow-list. */
  | { kind: 'refused'; error: string };

export type DeliveryDecision =
  | { kind: 'delivered' }
  | { kind: 'retry'; afterMs: number; error: string }
  | { kind: 'dead'; error: string };

const worded = (status: number): string => {
  if (status === 410) return 'receiver answered 410: it wants no more deliveries';
  if (status >= 300 && status < 400)
    return `receiver answered ${status}: redirects are not followed, give the final URL`;
  if (status === 401 || status === 403) return `receiver answered ${status}: check secret and headers`;
  return `receiver answered ${status}`;
};

const moved = (wait: number, policy: DeliveryPolicy, random: number): number =>
  Math.round(wait * (1 - policy.jitter + 2 * policy.jitter * random));

/** D3. Until the schedule's next point; never sooner than that, or many short waits would follow each other. */
const remaining = (sinceFirstMs: number, { schedule, jitter }: DeliveryPolicy, random: number): number | undefined => {
  const total = schedule.reduce((sum, wait) => sum + wait, 0);
  if (sinceFirstMs >= total * (1 - jitter)) return undefined;
  let point = 0;
  for (const wait of schedule) {
    point += wait;
    if (point > sinceFirstMs) break;
  }
  return Math.round((point - sinceFirstMs) * (1 + jitter * random));
};

/**
 * Decides what follows an attempt.
 *
 * `attempts`: those begun so far, this one included; `sinceFirstMs`: since the first of them began, by default long ago.
 * `random`: 0 to 1, a new one for each call. Waits are milliseconds.
 */
export const decide = (
  delivery: { attempts: number; sinceFirstMs?: number },
  outcome: DeliveryOutcome,
  policy: DeliveryPolicy = defaultDeliveryPolicy,
  random = 0.5,
): DeliveryDecision => {
  if (outcome.kind === 'done') return { kind: 'delivered' };
  if (outcome.kind === 'refused') return { kind: 'dead', error: outcome.error };
  if (outcome.kind === 'answered') {
    if (outcome.status >= 200 && outcome.status < 300) return { kind: 'delivered' };
    if (outcome.status === 410) return { kind: 'dead', error: worded(410) };
  }
  const error = outcome.kind === 'answered' ? worded(outcome.status) : outcome.error;
  const planned = policy.schedule[delivery.attempts];
  const wait =
    planned === undefined
      ? remaining(delivery.sinceFirstMs ?? Infinity, policy, random)
      : moved(planned, policy, random);
  if (wait === undefined) return { kind: 'dead', error: `${error} (attempt ${delivery.attempts}, the last)` };
  const asked = outcome.kind === 'answered' ? Math.min(outcome.retryAfterMs ?? 0, policy.retryAfterMaxMs) : 0;
  return { kind: 'retry', afterMs: Math.max(wait, asked), error }; // D2
};

const spell = (milliseconds: number): string => {
  const units: [number, string][] = [
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [SECOND, 's'],
  ];
  const [size, name] = units.find(([size]) => milliseconds >= size) ?? [1, 'ms'];
  return `${Number((milliseconds / size).toFixed(1))} ${name}`;
};

const spellDecision = (decision: DeliveryDecision): string => {
  if (decision.kind === 'delivered') return 'delivered';
  if (decision.kind === 'dead') return `dead letter: ${decision.error}`;
  return `again after ${spell(decision.afterMs)}`;
};

/** Pure. The decisions as Markdown, computed by `decide` itself: what docs/machines/delivery.md holds. */
export const decisionTable = (policy: DeliveryPolicy = defaultDeliveryPolicy): string => {
  const rows: [string, DeliveryOutcome][] = [
    ['200, 201, 204: any 2xx', { kind: 'answered', status: 200 }],
    ['file written, line printed, module resolved', { kind: 'done' }],
    ['301, 302, 307, 308: any 3xx', { kind: 'answered', status: 302 }],
    ['400, 404, 422: any other 4xx', { kind: 'answered', status: 400 }],
    ['401, 403', { kind: 'answered', status: 401 }],
    ['410', { kind: 'answered', status: 410 }],
    ['429', { kind: 'answered', status: 429 }],
    ['429 with `Retry-After: 60`', { kind: 'answered', status: 429, retryAfterMs: MINUTE }],
    ['500, 502, 503, 504: any 5xx', { kind: 'answered', status: 503 }],
    ['503 with `Retry-After: 0`', { kind: 'answered', status: 503, retryAfterMs: 0 }],
    ['503 with `Retry-After: 604800`', { kind: 'answered', status: 503, retryAfterMs: 7 * 24 * HOUR }],
    ['no answer: refused connection, deadline, exception', { kind: 'failed', error: 'no answer' }],
    ['private address, URL outside the allow-list', { kind: 'refused', error: 'not allowed' }],
  ];
  const last = policy.schedule.length;
  const total = policy.schedule.reduce((sum, wait) => sum + wait, 0);
  const waits = policy.schedule.map((wait, index) => {
    const total = policy.schedule.slice(0, index + 1).reduce((sum, part) => sum + part, 0);
    const range = wait === 0 ? 'at once' : `${spell(moved(wait, policy, 0))} to ${spell(moved(wait, policy, 1))}`;
    return `| ${index + 1} | ${wait === 0 ? 'none' : spell(wait)} | ${range} | ${spell(total)} |`;
  });
  return [
    '# Delivery: what follows an attempt',
    '',
    'Generated by `decisionTable()` in `machines/delivery.ts`; do not edit.',
    '',
    `| Outcome | First attempt | Attempt ${last}, the last |`,
    '| --- | --- | --- |',
    ...rows.map(
      ([name, outcome]) =>
        `| ${name} | ${spellDecision(decide({ attempts: 1 }, outcome, policy))} | ${spellDecision(decide({ attempts: last }, outcome, policy))} |`,
    ),
    '',
    '## The schedule',
    '',
    '| Attempt | Wait before it | With jitter | Since the first |',
    '| --- | --- | --- | --- |',
    ...waits,
    '',
    `A receiver may ask for a longer wait with \`Retry-After\`, up to ${spell(policy.retryAfterMaxMs)}; never for a shorter one.`,
    '',
    `The last attempt is the last only once the schedule's time is over, too (${spell(total)}, less the jitter): keepers that are restarted during an outage may begin more attempts, and each then waits for the schedule's next point.`,
    '',
  ].join('\n');
};
