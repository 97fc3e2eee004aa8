/** Between the benchmark and the process that writes as a job does. Types only; times are milliseconds since the epoch. */
export type Written = { at: number; lit: string[] };
export type ToJob = { type: 'steps'; count: number; everyMs: number; everyMostMs: number };
export type FromJob = { type: 'ready' } | { type: 'written'; steps: Written[] };
