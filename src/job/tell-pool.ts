/** What a job process says to the pool of processes that started it (worker/sdk-pool.ts). */

/** The worker's jobs find it in their environment: say when the import is over. */
export const POOL = 'LASTWORD_POOL';
/** The message of a job process between its import and its prewarm. */
export const IMPORTED = 'lastword.imported';

/** The message of a job process that has joined its room, and greets nobody at the moment. */
export const BEGUN = 'lastword.begun';
/** *Effect.* In a job: tells the pool of the worker, if it has one of ours. */
export const tellPool = (what: typeof IMPORTED | typeof BEGUN): void => {
  if (process.env[POOL] !== undefined && process.connected) process.send?.({ case: what }, undefined, {}, () => {});
};
