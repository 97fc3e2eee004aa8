/** Rows for stores to hold. */
import type { NewDelivery, NewHangUp, SealedReport, SessionRow } from '../../src/store/store.ts';
import { type SessionId, jobIdOf } from '../../src/journal/ids.ts';

export const sessionRow = (session: SessionId, more: Partial<SessionRow> = {}): SessionRow => ({
  session,
  epoch: 1,
  job: jobIdOf(`job-${session}`),
  room: `room-${session}`,
  agentName: 'ada',
  acceptedAt: 1_000,
  state: 'open',
  ...more,
});

export const sealedReport = (session: SessionId, body = `{"session":"${session}"}`): SealedReport => ({
  session,
  report: `rep_${session}`,
  sealedAt: 5_000,
  body,
});

export const newDelivery = (delivery: string, session: SessionId, more: Partial<NewDelivery> = {}): NewDelivery => ({
  delivery,
  session,
  report: `rep_${session}`,
  destination: 'backend',
  kind: 'report',
  body: `{"session":"${session}"}`,
  nextAt: 2_000,
  ...more,
});

export const newHangUp = (session: SessionId, more: Partial<NewHangUp> = {}): NewHangUp => ({
  session,
  server: 'wss://one.example',
  room: `room-${session}`,
  roomSid: `RM_${session}`,
  strategy: 'delete-room',
  caller: 'caller',
  agent: 'agent',
  since: 1_000,
  nextAt: 3_000,
  ...more,
});
