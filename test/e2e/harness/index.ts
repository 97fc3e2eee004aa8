export { silences, startCaller } from './caller.ts';
export type { Caller, CallerWish, HeardLine } from './caller.ts';
export { compile, compiled } from './compiled.ts';
export { deploy } from './deployment.ts';
export type { Deployment } from './deployment.ts';
export { roomsOf } from './rooms.ts';
export { freePort, startLiveKitServer } from './server.ts';
export type { LiveKitAddress, LiveKitServer } from './server.ts';
export { until } from './until.ts';
