/** One LiveKit server for the lane. Without one the lane is red: a call that nobody heard proves nothing. */
import type { TestProject } from 'vitest/node';
import { compile, startLiveKitServer } from './harness/index.ts';
import type { LiveKitAddress } from './harness/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    livekit: LiveKitAddress;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // `npm test` has just built everything; a lane started by itself has not.
  if (!['test', 'verify'].includes(process.env['npm_lifecycle_event'] ?? '')) await compile();
  const server = await startLiveKitServer();
  project.provide('livekit', { url: server.url, apiKey: server.apiKey, apiSecret: server.apiSecret });
  return () => server.stop();
}
