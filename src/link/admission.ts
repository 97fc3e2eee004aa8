/**
 * Who may say what over the link. The first hello binds a peer to its role, and its token shows that the role is its own.
 *
 *   A1  Before its hello nobody is heard; a peer keeps the role of its first hello.
 *   A2  A job speaks for its own session: a line that names another one is refused, and ends that connection alone.
 *   A3  One worker at a time, and those that the keeper itself has started beside it: the one that is replaced, and the
 *       one that replaces it. Another one (a program that was started with the same environment) may send its reports
 *       elsewhere, so it is refused while the first is connected. The same process may come back at any time: it may
 *       know that its connection is lost before the keeper does.
 */
import type { JobId, SessionId } from '../journal/ids.ts';
import type { ToKeeper } from './messages.ts';
import { isSameToken, tokenOf } from './secret.ts';

export type PeerAdmission = {
  /** @returns why it is refused, in one line; undefined when it may say so */
  refusal(message: ToKeeper): string | undefined;
  /** Its connection is gone. */
  gone(): void;
};
export type Admission = { peer(): PeerAdmission };

type Role = { kind: 'worker'; pid: number } | { kind: 'job'; session: SessionId; job: JobId } | { kind: 'operator' };

/** What a peer speaks of: a session or, before there is one to speak of, a job; undefined for what names neither. */
const namedIn = (message: ToKeeper): SessionId | JobId | undefined =>
  'session' in message ? message.session : 'job' in message ? message.job : undefined;

/** Said of one job by that job. Everything else but a hello is the worker's. A job withdraws itself when its room is gone. */
const ofJobs: ReadonlySet<ToKeeper['type']> = new Set([
  'beat',
  'job.heard',
  'job.orphaned',
  'job.leaving',
  'job.staying',
  'job.closed',
  'alert',
  'job.withdrawn',
]);
/** The others may come from either: the worker knows of failures before there is a job. */
const onlyOfJobs: ReadonlySet<ToKeeper['type']> = new Set(
  [...ofJobs].filter((type) => type !== 'alert' && type !== 'job.withdrawn'),
);
const ofOperators: ReadonlySet<ToKeeper['type']> = new Set(['session.end', 'reload']);

const tokenAdvice: Record<Role['kind'], string> = {
  worker: 'let the keeper start it (lastword start), with LASTWORD_TOKEN as the keeper gives it',
  operator: 'let it run as the user of the keeper, with the same LASTWORD_DIR, whose file "secret" it reads',
  job: 'let it run as the user of its keeper, with the same LASTWORD_DIR, whose file "secret" it reads',
};

/**
 * @param secret of the directory (`openSecret`)
 * @param isOurs a worker that the keeper knows, by its pid (A3)
 */
export function openAdmission(secret: string, isOurs: (pid: number) => boolean = () => false): Admission {
  let worker: { owner: object; pid: number } | undefined;
  return {
    peer() {
      const self = {};
      let role: Role | undefined;

      const hello = (claimed: Role, token: string | undefined): string | undefined => {
        const expected = tokenOf(secret, claimed.kind, claimed.kind === 'job' ? claimed.session : '');
        const name = claimed.kind === 'job' ? `job ${claimed.session}` : claimed.kind;
        if (token === undefined || !isSameToken(expected, token))
          return `expected the token of the ${name}, got ${token === undefined ? 'none' : 'another one'}; ${tokenAdvice[claimed.kind]}`;
        if (role && (role.kind !== claimed.kind || nameOf(role) !== nameOf(claimed)))
          return `expected ${nameOf(role)}, got a hello of ${nameOf(claimed)}; connect once for each`;
        if (claimed.kind === 'worker') {
          if (worker && worker.owner !== self && worker.pid !== claimed.pid && !isOurs(claimed.pid))
            return `expected one worker, got a second one (pid ${claimed.pid}) while pid ${worker.pid} is connected; start it with a LASTWORD_DIR of its own`; // A3
          worker = { owner: self, pid: claimed.pid };
        }
        role = claimed;
        return undefined;
      };

      return {
        refusal(message) {
          if (message.type === 'hello.worker') return hello({ kind: 'worker', pid: message.pid }, message.token);
          if (message.type === 'hello.operator') return hello({ kind: 'operator' }, message.token);
          if (message.type === 'hello.job')
            return hello({ kind: 'job', session: message.session, job: message.job }, message.token);
          if (!role) return `expected a hello first, got ${message.type}; say who speaks`; // A1
          if (role.kind === 'operator' || ofOperators.has(message.type)) {
            if (role.kind === 'operator' && ofOperators.has(message.type)) return undefined;
            return `expected what ${nameOf(role)} says, got ${message.type}; connect once for each role`;
          }
          if (role.kind === 'worker') {
            if (!onlyOfJobs.has(message.type)) return undefined;
            return `expected what a worker says, got ${message.type}; only the job of that session says this`;
          }
          if (!ofJobs.has(message.type))
            return `expected what job ${role.job} says, got ${message.type}; only a worker says this`;
          if ('session' in message ? message.session === role.session : 'job' in message && message.job === role.job)
            return undefined;
          return `expected job ${role.job} to speak for itself, got ${message.type} of ${namedIn(message)}; connect once for each job`; // A2
        },
        gone() {
          if (worker?.owner === self) worker = undefined;
        },
      };
    },
  };
}

const nameOf = (role: Role): string => {
  if (role.kind === 'operator') return 'an operator';
  return role.kind === 'job' ? `job ${role.job} of session ${role.session}` : `the worker ${role.pid}`;
};
