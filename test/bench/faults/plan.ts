/** What is planted in the code of a call's own process: one place, one deed. Both agents strike at the same places. */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export type Place =
  /** Before there is a session: the entrypoint of the bare SDK, `session()` of Lastword. */
  | 'factory'
  | 'agent'
  | 'start'
  | 'onEnter'
  | 'after greeting'
  | 'turn'
  | 'tool'
  | 'timer'
  | 'onExit'
  | 'close listener'
  /** The hook that runs at the end: `onSessionEnd`, `call.onClose`. */
  | 'end hook'
  | 'shutdown callback';
export type Deed = 'throws' | 'hangs' | 'blocks' | 'rejects' | 'fills memory' | 'closes the session';
export type Plan = { at?: Place; does?: Deed };

/** What differs between deployments: it breaks before there is a job to tell. */
export type SideWish = {
  import?: 'throws in the job';
  prewarm?: 'throws' | 'hangs';
  greeting?: 'agent';
  /** A process that dies may be followed by another one, which the bare SDK has no word for. */
  resumes?: true;
};

export const GREETING = 'Hello, this is Ada.';
export const SORRY = 'Sorry, I lost you for a moment.';
export const GOODBYE = 'Thank you for calling today, it was a pleasure to talk to you. Goodbye.';

export const planOf = (metadata: string): Plan => (metadata === '' ? {} : (JSON.parse(metadata) as Plan));

/** Written past every buffer: what comes next may be the end of the process. */
export const tell = (line: string): void => void writeSync(1, `${line}\n`);

/** Does what is planted at this place, if anything is. */
export async function strike(plan: Plan, at: Place, room: string, close?: () => Promise<void>): Promise<void> {
  if (plan.at !== at) return;
  tell(`bites: ${room} ${Date.now()}`);
  switch (plan.does) {
    case 'hangs':
      return new Promise(() => {});
    case 'blocks':
      for (;;);
    case 'rejects':
      void Promise.reject(new Error(`planted: ${at} rejects`));
      return;
    case 'fills memory': {
      const held: string[][] = [];
      for (;;) {
        held.push(Array.from({ length: 200_000 }, (_, index) => `${index} of ${held.length}`));
        if (held.length % 8 === 0) await sleep(1);
      }
    }
    case 'closes the session':
      return close?.();
    case 'throws':
    case undefined:
      throw new Error(`planted: ${at} throws`);
  }
}
