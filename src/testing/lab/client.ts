import { z } from 'zod';
import type { SpeechMeasure } from '../speech/measure.ts';
import type { LabCommand } from './control.ts';
import type { PaceName } from './pace.ts';
import { spokenAs } from './script.ts';
import type { Component, Fault, FaultSpan, LabEntry, LabScript, Spoken } from './script.ts';

const DEADLINE_MS = 3000;
const logAnswer = z.object({ log: z.array(z.custom<LabEntry>()) });

/** A lab in another process: the same verbs, each a request of at most 3 s. */
export interface RemoteLab {
  play(script: LabScript): Promise<void>;
  hears(text: string, spoken?: SpeechMeasure): Promise<void>;
  fail(component: Component, fault: Fault, span?: FaultSpan): Promise<void>;
  heal(component?: Component): Promise<void>;
  setPace(name: PaceName, seed?: number): Promise<void>;
  log(): Promise<LabEntry[]>;
  spoken(text: string): Promise<Spoken[][]>;
}

/**
 * Speaks to a lab that another process runs.
 *
 * @param controlUrl - as the lab prints it
 * @param channel - default: the main one
 */
export function connectLab(controlUrl: string, channel?: string): RemoteLab {
  const named = channel === undefined ? {} : { channel };
  const command = async (body: LabCommand): Promise<unknown> => {
    const response = await fetch(controlUrl, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`The lab refused "${body.do}" (${response.status}): ${text}`);
    return JSON.parse(text) as unknown;
  };
  const log = async () => logAnswer.parse(await command({ do: 'log', ...named })).log;
  return {
    play: async (script) => void (await command({ do: 'play', ...named, script })),
    hears: async (text, spoken) => void (await command({ do: 'hears', ...named, text, ...(spoken ? { spoken } : {}) })),
    fail: async (component, fault, span) =>
      void (await command({ do: 'fail', ...named, component, fault, ...(span ? { span } : {}) })),
    heal: async (component) => void (await command({ do: 'heal', ...named, ...(component ? { component } : {}) })),
    setPace: async (name, seed) =>
      void (await command({ do: 'pace', ...named, name, ...(seed === undefined ? {} : { seed }) })),
    log,
    spoken: async (text) => spokenAs(await log(), text),
  };
}
