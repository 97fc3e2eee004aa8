/** The SDK's own JobContext and Room, connected to nothing: what is asked of them is noted, and nothing more happens. */
import { JobContext, JobProcess, type RunningJobInfo } from '@livekit/agents';
import { Room } from '@livekit/rtc-node';

export type AskedOfJob = { what: 'shutdown' | 'deleteRoom' | 'disconnect'; with?: string };

export function madeContext(
  job: string,
  room: string,
  changed: () => void,
): { context: JobContext; asked: AskedOfJob[] } {
  const asked: AskedOfJob[] = [];
  const note = (one: AskedOfJob) => {
    asked.push(one);
    changed();
  };
  const info = {
    acceptArguments: { name: '', identity: 'agent', metadata: '' },
    job: { id: job, agentName: '', metadata: '', attributes: {}, room: { name: room, sid: 'RM_1' } },
    url: 'ws://127.0.0.1:9',
    token: '',
    workerId: '',
  } as unknown as RunningJobInfo;
  const place = Object.defineProperty(new Room(), 'name', { value: room });
  place.disconnect = async () => note({ what: 'disconnect' });
  const shutdown = (reason: string) => note({ what: 'shutdown', with: reason });
  const none = { doInference: () => Promise.reject(new Error('there is no inference here')) };
  const context = new JobContext(new JobProcess(), info, place, () => {}, shutdown, none) as JobContext;
  context.deleteRoom = async (name = room) => note({ what: 'deleteRoom', with: name });
  return { context, asked };
}
