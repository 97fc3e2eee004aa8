/** What `connect(call)` returned: how the room is joined. */
import { AutoSubscribe, type JobContext } from '@livekit/agents';
import type { E2EEOptions, RtcConfiguration } from '@livekit/rtc-node';
import { describeValue } from '../errors/config-error.ts';

export type ConnectOptions = {
  /** Keys of the room's end-to-end encryption; the recordings and lines of Lastword are encrypted with them too. Default: none. */
  e2ee?: E2EEOptions;
  /** Whose tracks are subscribed by themselves. Default: all. With NONE the caller is heard once you subscribe them. */
  autoSubscribe?: AutoSubscribe;
  /** ICE servers and the like. Default: the SDK's. */
  rtcConfig?: RtcConfiguration;
};

const fields = ['e2ee', 'autoSubscribe', 'rtcConfig'];

/** Undefined when the room can be joined so. */
export function connectProblem(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `connect(call): expected { ${fields.join(', ')} } or nothing, got ${describeValue(value)}`;
  const unknown = Object.keys(value).find((field) => !fields.includes(field));
  if (unknown !== undefined) return `connect(call).${unknown}: expected one of ${fields.join(', ')}`;
  const { e2ee, autoSubscribe, rtcConfig } = value as Record<string, unknown>;
  for (const [name, options] of [
    ['e2ee', e2ee],
    ['rtcConfig', rtcConfig],
  ] as const) {
    if (options !== undefined && (typeof options !== 'object' || options === null))
      return `connect(call).${name}: expected an object, got ${describeValue(options)}`;
  }
  if (autoSubscribe !== undefined && !(typeof autoSubscribe === 'number' && AutoSubscribe[autoSubscribe] !== undefined))
    return `connect(call).autoSubscribe: expected a value of AutoSubscribe, got ${describeValue(autoSubscribe)}`;
  return undefined;
}

/** As the SDK takes them. */
export const connectArguments = ({
  e2ee,
  autoSubscribe,
  rtcConfig,
}: ConnectOptions): Parameters<JobContext['connect']> => [e2ee, autoSubscribe, rtcConfig];
