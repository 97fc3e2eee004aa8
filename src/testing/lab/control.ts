/** Scripting a lab from another process: one JSON object a request, to `/control`. */
import { z } from 'zod';
import { paces } from './pace.ts';
import type { LabChannel } from './server.ts';

const component = z.enum(['llm', 'tts', 'stt']);
const measure = z.object({ totalMs: z.number(), speechMs: z.number(), level: z.number() });
const fault = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('status'),
    status: z.int().min(400).max(599),
    retryAfterSeconds: z.number().exactOptional(),
  }),
  z.object({ kind: z.literal('refuse') }),
  z.object({ kind: z.literal('stall'), at: z.enum(['start', 'middle']).exactOptional() }),
  z.object({ kind: z.literal('cut') }),
  z.object({ kind: z.literal('malformed') }),
  z.object({ kind: z.literal('silence') }),
]);
const answer = z.strictObject({
  say: z.string().exactOptional(),
  tools: z
    .array(
      z.strictObject({
        name: z.string(),
        arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).exactOptional(),
      }),
    )
    .exactOptional(),
});
const pattern = z.string().exactOptional();
const script = z.strictObject({
  rules: z.array(
    z.strictObject({
      when: z.strictObject({
        user: pattern,
        afterTool: pattern,
        instruction: pattern,
        prompt: pattern,
        request: z.int().exactOptional(),
        offers: pattern,
      }),
      answer,
    }),
  ),
  otherwise: answer.exactOptional(),
  heard: z.array(z.string()).exactOptional(),
  msPerCharacter: z.number().positive().exactOptional(),
  durations: z.record(z.string(), z.number().positive()).exactOptional(),
  latency: z.partialRecord(component, z.number().min(0)).exactOptional(),
});
const channel = z.string().exactOptional();
const command = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('hears'), channel, text: z.string(), spoken: measure.exactOptional() }),
  z.strictObject({
    do: z.literal('fail'),
    channel,
    component,
    fault,
    span: z.strictObject({ from: z.int().exactOptional(), times: z.int().exactOptional() }).exactOptional(),
  }),
  z.strictObject({ do: z.literal('heal'), channel, component: component.exactOptional() }),
  z.strictObject({ do: z.literal('play'), channel, script }),
  z.strictObject({ do: z.literal('pace'), channel, name: z.enum(paces), seed: z.int().exactOptional() }),
  z.strictObject({ do: z.literal('log'), channel }),
]);
export type LabCommand = z.infer<typeof command>;

export function serveControl(
  body: Buffer,
  channelNamed: (name: string | undefined) => LabChannel,
): { status: number; body: unknown } {
  const parsed = command.safeParse(JSON.parse(body.toString()));
  if (!parsed.success) return { status: 400, body: { error: `control: ${z.prettifyError(parsed.error)}` } };
  const wanted = parsed.data;
  const target = channelNamed(wanted.channel);
  switch (wanted.do) {
    case 'hears':
      target.hears(wanted.text, wanted.spoken);
      break;
    case 'fail':
      target.fail(wanted.component, wanted.fault, wanted.span);
      break;
    case 'heal':
      target.heal(wanted.component);
      break;
    case 'play':
      target.play(wanted.script);
      break;
    case 'pace':
      target.setPace(wanted.name, wanted.seed);
      break;
    case 'log':
      return { status: 200, body: { log: target.log } };
  }
  return { status: 200, body: {} };
}
