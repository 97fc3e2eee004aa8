/** The steps that the rows are made of. Each resolves with the moment from which the caller waits. */
import { GREETING } from './plan.ts';
import type { Scene } from './row.ts';
import { ANSWERS, PARTING, SMALL_TALK, STUCK } from './script.ts';

const GREETED_MS = 20_000;
const ANSWERED_MS = 20_000;
const NUDGE = 'Are you still there?';

export const joins = async ({ caller }: Scene): Promise<number> => caller.joinedAt;

export const greeted = async ({ caller, lab }: Scene): Promise<number> => {
  await caller.until('the greeting', () => (caller.line(lab, GREETING)[0]?.share ?? 0) > 0.9, GREETED_MS);
  return caller.line(lab, GREETING)[0]?.lastAt ?? Date.now();
};

const says =
  (line: string) =>
  async ({ caller, lab }: Scene): Promise<number> =>
    (await caller.say(lab, line)).to;
export const asks = says(SMALL_TALK);
export const parts = says(PARTING);

/** Two turns that go well. */
export const talks = async (scene: Scene): Promise<number> => {
  const { caller, lab } = scene;
  await greeted(scene);
  for (const turn of [1, 2]) {
    await asks(scene);
    const answers = () => caller.line(lab, 'Very well, thank you. And you?');
    await caller.until(`answer ${turn}`, () => (answers()[turn - 1]?.share ?? 0) > 0.9, ANSWERED_MS);
  }
  return Date.now();
};

/** The model calls the tool in which the fault is. */
export const getsStuck = async (scene: Scene): Promise<number> => {
  await greeted(scene);
  const to = await says(STUCK)(scene);
  return Math.max(to, await scene.bites());
};

export const endsCall = async (scene: Scene): Promise<number> => {
  await greeted(scene);
  return parts(scene);
};

/** After the fault the caller asks something: a call that is alive answers. */
export const thenAsks =
  (before: (scene: Scene) => Promise<number>) =>
  async (scene: Scene): Promise<number> => {
    const from = await before(scene);
    // Who is off the line by then has said nothing.
    await asks(scene).catch(() => {});
    return from;
  };

/** Whose words were lost, or talked over, is asked whether they are there, and says them again. */
export const answersNudge = async (scene: Scene, from: number): Promise<number> => {
  const { caller, lab } = scene;
  const own = caller.events.findLast((event) => event.kind === 'said');
  const isHeard = (line: string) =>
    caller.line(lab, line).some(({ lastAt, share }) => lastAt > (own?.from ?? from) && share > 0.9);
  const anything = () => [NUDGE, ...ANSWERS].some(isHeard);
  await caller.until('a nudge, or an answer', anything, ANSWERED_MS).catch(() => {});
  if (isHeard(NUDGE)) await asks(scene).catch(() => {});
  return from;
};
