/** One trace a call: OpenTelemetry's own provider, with an exporter in memory. */
import { trace as traces } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { afterEach, expect, test } from 'vitest';
import { endOf } from '../../machines/index.ts';
import { openCallTrace } from '../../src/job/call-trace.ts';
import type { Log } from '../../src/session/ports.ts';
import { facts } from '../contract/sessions.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
afterEach(() => traces.disable());

function recorded(spanProcessor?: { onStart(): void; onEnd(): void }) {
  const exporter = new InMemorySpanExporter();
  const processor = spanProcessor
    ? { ...spanProcessor, forceFlush: async () => {}, shutdown: async () => {} }
    : new SimpleSpanProcessor(exporter);
  new NodeTracerProvider({ spanProcessors: [processor] }).register();
  return exporter;
}
const to = (state: string) => ({ machine: 'session' as const, from: [], to: [state], event: 'x' });

test('a call is a span, its stages and tools are below it, and how it ended is on it', async () => {
  const exporter = recorded();
  const trace = await openCallTrace(facts, log);
  trace?.take('transition', to('live.connecting.joining'));
  trace?.take('transition', to('live.connecting.awaitingCaller'));
  trace?.take('transition', to('live.conversing.dialogue.active'));
  trace?.take('transition', { ...to('probing'), machine: 'recovery' });
  trace?.take('tool', { call: 'c1', name: 'look_up', status: 'started' });
  trace?.take('tool', { call: 'c1', name: 'look_up', status: 'failed', error: 'the secret of Mrs Miller' });
  trace?.take('transition', to('exiting.saying'));
  trace?.take('session.closed', {
    end: endOf('system', 'model_failed', 'provider'),
    alsoTriggered: [],
    stage: 'conversing',
  });
  trace?.end();
  const spans = exporter.getFinishedSpans();
  expect(spans.map(({ name }) => name).sort()).toEqual([
    'lastword.call',
    'lastword.connecting',
    'lastword.conversing',
    'lastword.exiting',
    'lastword.tool look_up',
  ]);
  const call = spans.find(({ name }) => name === 'lastword.call');
  expect(call?.attributes).toMatchObject({ 'lastword.session': facts.session, 'lastword.end.reason': 'model_failed' });
  expect(call?.status.code).toBe(2);
  expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([trace?.id]));
  for (const span of spans.filter((one) => one !== call))
    expect(span.parentSpanContext?.spanId).toBe(call?.spanContext().spanId);
  expect(JSON.stringify(spans.map(({ attributes, events }) => [attributes, events]))).not.toContain('Miller');
});

test('where nobody has set it up there is none', async () => {
  expect(await openCallTrace(facts, log)).toBeUndefined();
});

test('a processor that throws costs the trace and not the call', async () => {
  recorded({
    onStart() {},
    onEnd() {
      throw new Error('the exporter is broken');
    },
  });
  const trace = await openCallTrace(facts, log);
  trace?.take('transition', to('live.greeting.words'));
  expect(() => trace?.take('transition', to('closed'))).not.toThrow();
  expect(() => trace?.end()).not.toThrow();
});
