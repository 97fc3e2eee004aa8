/** The same agent under Lastword: what is planted sits in the same places, or in the place that stands for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, defineSession, endSessionTool, runWorker, webhook } from '../../../src/index.ts';
import { GOODBYE, GREETING, type Plan, SORRY, strike, tell } from '../faults/plan.ts';
import { failTheImport, models, plantInStart, plantListener, prewarm, Scripted, sideWish } from '../faults/scripted.ts';

failTheImport();
const LOOK_MS = 50;
const planIn = (call: Call): Plan => (typeof call.metadata === 'object' ? (call.metadata as Plan) : {});
const roomIn = (call: Call): string => call.job.room?.name ?? '';

/** Code of the user's that runs beside the call, as the rest of an entrypoint does. */
async function afterGreeting(call: Call): Promise<void> {
  if (planIn(call).at !== 'after greeting') return;
  while (!call.session?.history.items.some((item) => item.type === 'message')) await sleep(LOOK_MS);
  await strike(planIn(call), 'after greeting', roomIn(call));
}

export default defineSession({
  // Most rows compare how a call is let go.
  onCrash: sideWish.resumes ? { resume: 2, say: SORRY } : { resume: 0, apologize: false },
  prewarm,
  session: async (call) => {
    const [plan, room] = [planIn(call), roomIn(call)];
    tell(`job: ${room} ${process.pid}`);
    if (plan.at === 'shutdown callback')
      call.context.addShutdownCallback(() => strike(plan, 'shutdown callback', room));
    if (plan.at === 'end hook') call.onClose('planted', () => strike(plan, 'end hook', room));
    plantInStart(plan, room);
    await strike(plan, 'factory', room);
    return models(call);
  },
  agent: async (call) => {
    const [plan, room] = [planIn(call), roomIn(call)];
    await strike(plan, 'agent', room);
    setImmediate(() => call.session && plantListener(plan, room, call.session));
    return new Scripted(plan, room, endSessionTool(), sideWish.greeting === 'agent' ? GREETING : undefined);
  },
  participants: [afterGreeting],
  greeting: sideWish.greeting ?? { say: GREETING },
  goodbye: { say: GOODBYE },
  reports: [webhook({ url: process.env['LASTWORD_TEST_RECEIVER'] ?? '', allowPrivate: true, name: 'receiver' })],
});
runWorker(import.meta.url, {
  agentName: process.env['LASTWORD_TEST_AGENT'] ?? '',
  port: Number(process.env['LASTWORD_TEST_PORT']),
  server: { numIdleProcesses: 2 },
});
