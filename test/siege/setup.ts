/** Compiles once for the lane: files run beside each other, and one that compiled would take the build from under another. */
import { compile } from '../e2e/harness/index.ts';

export default async function setup(): Promise<void> {
  // `npm test` has just built everything; a lane started by itself has not.
  if (!['test', 'verify'].includes(process.env['npm_lifecycle_event'] ?? '')) await compile();
}
