/** What `connect(call)` returned: how the room is joined. */
import { AutoSubscribe, type JobContext } from '@livekit/agents';
import type { E2EEOptions, RtcConfiguration } from '@livekit/rtc-node';
import { z } from 'zod';
import { anObject, expected, fields, linesOf } from '../errors/expected.ts';

export type ConnectOptions = {
  /** Keys of the room's end-to-end encryption; the recordings and lines of Lastword are encrypted with them too. Default: none. */
  e2ee?: E2EEOptions;
  /** Whose tracks are subscribed by themselves. Default: all. With NONE the caller is heard once you subscribe them. */
  autoSubscribe?: AutoSubscribe;
  /** ICE servers and the like. Default: the SDK's. */
  rtcConfig?: RtcConfiguration;
};

const connectOptions = fields(
  {
    e2ee: anObject.optional(),
    autoSubscribe: z.enum(AutoSubscribe, expected('a value of AutoSubscribe')).optional(),
    rtcConfig: anObject.optional(),
  },
  { what: '{ e2ee, autoSubscribe, rtcConfig } or nothing' },
).optional();

/** Undefined when the room can be joined so. */
export const connectProblem = (value: unknown): string | undefined =>
  linesOf(connectOptions, value, 'connect(call)')[0];

/** As the SDK takes them. */
export const connectArguments = ({
  e2ee,
  autoSubscribe,
  rtcConfig,
}: ConnectOptions): Parameters<JobContext['connect']> => [e2ee, autoSubscribe, rtcConfig];
