/** What the stand-ins of a siege need to know; it reaches them by the environment. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultPolicy, type Policy } from '../../../machines/index.ts';
import type { HangUpPolicy } from '../../../src/journal/entry.ts';
import type { Destination } from '../../../src/link/destination.ts';
import type { LiveKitAccess } from '../../../src/link/messages.ts';

export type Scenario = {
  /** For ports, pids and whatever else is no business of the keeper's. */
  scratch: string;
  /** LASTWORD_DIR. */
  directory: string;
  livekit: LiveKitAccess;
  reports: Destination[];
  alerts: Destination[];
  policy: Partial<Policy>;
};

/** Of one offered job. */
export type Offer = {
  session: string;
  metadata?: string;
  /** Default: true. */
  isStarted?: boolean;
  /** In the worker's own process, as cheap as can be; else in one of its own. Default: false. */
  isInside?: boolean;
  /** It writes its journal and beats; else it only says hello. Default: true. */
  beats?: boolean;
  /** Its token is none. Default: false. */
  isStranger?: boolean;
};

export const scenarioVariable = 'LASTWORD_SIEGE';
export const hangUp: HangUpPolicy = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' };
export const readScenario = (): Scenario =>
  JSON.parse(readFileSync(process.env[scenarioVariable] ?? '', 'utf8')) as Scenario;
export const policyOf = ({ policy }: Scenario): Policy => ({ ...defaultPolicy, ...policy });

export const roomOf = (session: string) => ({ name: `room-${session}`, sid: `RM_room-${session}` });
export const workerPort = ({ scratch }: Scenario): string => join(scratch, 'worker.port');
export const jobPort = ({ scratch }: Scenario, session: string): string => join(scratch, `job-${session}.port`);
