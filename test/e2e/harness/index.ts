export { silences, startCaller } from './caller.ts';
export type { Caller, CallerEventOf, CallerWish, HeardLine } from './caller.ts';
export type { CallerEvent, TrackHeard } from './caller-messages.ts';
export { compile, compiled, root } from './compiled.ts';
export { roomsOf } from './rooms.ts';
export type { TestRoom, TestRooms, TokenWish } from './rooms.ts';
export { freePort, startLiveKitServer } from './server.ts';
export type { LiveKitAddress, LiveKitServer } from './server.ts';
