/**
 * One trace a call, for whoever has set OpenTelemetry up in the agent file: a span for the call, below it one for each
 * stage and each tool. Where nobody has, nothing is made and nothing is written.
 *
 *   Q1  Fed from what the journal is told, so it can say nothing that is not kept; names and numbers, no texts.
 *   Q2  An exporter that throws costs the trace, and never the call.
 */
import type { Span, Tracer } from '@opentelemetry/api';
import { stageOf } from '../../machines/index.ts';
import { messageOf } from '../errors/thrown.ts';
import type { EntryData, EntryKind, JobFacts } from '../journal/entry.ts';
import type { Log } from '../session/ports.ts';
import { version } from './version.ts';

type Api = typeof import('@opentelemetry/api');

/** *Effect.* Undefined where no spans are recorded. */
export async function openCallTrace(facts: JobFacts, log: Log): Promise<CallTrace | undefined> {
  try {
    const api = await import('@opentelemetry/api');
    const trace = new CallTrace(api, facts, log);
    return trace.isRecording ? trace : undefined;
  } catch {
    return undefined; // it is not installed, or what was set up does not work
  }
}

export class CallTrace {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #log: Log;
  readonly #call: Span;
  #stage: { name: string; span: Span } | undefined;
  readonly #tools = new Map<string, Span>();

  constructor(api: Api, { session, job, epoch, room, agentName }: JobFacts, log: Log) {
    this.#api = api;
    this.#log = log;
    this.#tracer = api.trace.getTracer('lastword', version);
    const attributes = {
      'lastword.session': session,
      'lastword.job': job,
      'lastword.epoch': epoch,
      'lastword.room': room.name,
      'lastword.agent': agentName,
    };
    this.#call = this.#tracer.startSpan('lastword.call', { attributes, root: true });
  }

  get isRecording(): boolean {
    return this.#call.isRecording();
  }
  /** As others show it: 32 hexadecimal digits. */
  get id(): string {
    return this.#call.spanContext().traceId;
  }

  /** Q1. Never throws. */
  take<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): void {
    try {
      this.#take(kind, data);
    } catch (error) {
      this.#log.debug({ error: messageOf(error) }, 'the trace of the call could not be written'); // Q2
    }
  }

  #take(kind: EntryKind, data: unknown): void {
    if (kind === 'transition') {
      const { machine, to } = data as EntryData['transition'];
      if (machine === 'session') this.#enter(stageOf(to) ?? '');
    } else if (kind === 'tool') this.#tool(data as EntryData['tool']);
    else if (kind === 'session.closed') {
      const { end, stage } = data as EntryData['session.closed'];
      const { by, reason, fault } = end;
      this.#call.setAttributes({
        'lastword.end.by': by,
        'lastword.end.reason': reason,
        'lastword.end.fault': fault,
        'lastword.end.stage': stage,
      });
      if (fault !== 'none' && fault !== 'caller') this.#call.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    }
  }

  #enter(name: string): void {
    if (this.#stage?.name === name) return;
    this.#stage?.span.end();
    this.#stage = { name, span: this.#below(`lastword.${name}`) };
  }

  #tool({ call, name, status, isBackground }: EntryData['tool']): void {
    if (status === 'started') {
      if (!this.#tools.has(call)) this.#tools.set(call, this.#below(`lastword.tool ${name}`));
      return;
    }
    const span = this.#tools.get(call);
    if (!span) return;
    this.#tools.delete(call);
    span.setAttributes({ 'lastword.tool.status': status, 'lastword.tool.background': isBackground === true });
    if (status !== 'settled') span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    span.end();
  }

  #below(name: string): Span {
    const { trace, ROOT_CONTEXT } = this.#api;
    return this.#tracer.startSpan(name, {}, trace.setSpan(ROOT_CONTEXT, this.#call));
  }

  /** *Effect.* Never throws. */
  end(): void {
    try {
      for (const span of this.#tools.values()) span.end();
      this.#stage?.span.end();
      this.#call.end();
    } catch (error) {
      this.#log.debug({ error: messageOf(error) }, 'the trace of the call could not be ended'); // Q2
    }
  }
}
