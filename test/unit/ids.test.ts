import { describe, expect, test } from 'vitest';
import {
  firstJob,
  isJobId,
  isSessionId,
  type JobId,
  jobIdOf,
  type SessionId,
  sessionIdOf,
} from '../../src/journal/ids.ts';

const ofSession = (session: SessionId): string => session;
const ofJob = (job: JobId): string => job;

// The compiler is what is tested here: a directive that nothing needs any more is an error of `npm run typecheck`.
describe('a session is not a job', () => {
  test('neither id is taken for the other, and a text that nobody has checked for none of them', () => {
    const { session, job } = firstJob(jobIdOf('AJ_1'));
    // @ts-expect-error a job is no session
    expect(ofSession(job)).toBe('AJ_1');
    // @ts-expect-error a session is no job
    expect(ofJob(session)).toBe('AJ_1');
    // @ts-expect-error from outside, and not checked
    expect(ofSession('../AJ_1')).toBe('../AJ_1');
    // @ts-expect-error from outside, and not checked
    expect(ofJob('../AJ_1')).toBe('../AJ_1');
    // @ts-expect-error the two are never compared
    expect(session === job).toBe(true);
    const jobs = new Map<JobId, number>();
    // @ts-expect-error nor looked up by one another
    expect(jobs.get(session)).toBeUndefined();
  });

  test('each is a text wherever a text will do', () => {
    expect([ofSession(sessionIdOf('S')), ofJob(jobIdOf('J'))]).toEqual(['S', 'J']);
  });

  test('a session is named after its first job, whose epoch is 1, whichever of the two is known', () => {
    const expected = { session: 'AJ_1', epoch: 1, job: 'AJ_1' };
    expect(firstJob(jobIdOf('AJ_1'))).toEqual(expected);
    expect(firstJob(sessionIdOf('AJ_1'))).toEqual(expected);
  });
});

describe('what comes from outside is checked', () => {
  test.each(['AJ_8sRJzQaTVhRC', 'terminal-m1', '_', '-a', 'a.b.c', 'x'.repeat(128)])('%j may be an id', (text) => {
    expect([isSessionId(text), isJobId(text), sessionIdOf(text), jobIdOf(text)]).toEqual([true, true, text, text]);
  });

  test.each(['', '.', '..', '.hidden', '../x', 'a/b', 'a\\b', 'a\u0000b', 'a b', 'ä', 'x'.repeat(129)])(
    '%j is refused, with what was expected and what came',
    (text) => {
      expect([isSessionId(text), isJobId(text)]).toEqual([false, false]);
      const got = JSON.stringify(text.slice(0, 80));
      for (const [what, read] of [
        ['session', sessionIdOf],
        ['job', jobIdOf],
      ] as const) {
        const wanted = { code: 'EBADID', message: expect.stringContaining(`expected a ${what} id (letters`) };
        expect(() => read(text)).toThrow(expect.objectContaining(wanted));
        expect(() => read(text)).toThrow(got);
      }
    },
  );
});
