const LOOK_MS = 25;

/** Looks again and again until there is something; says at its end what was there instead. */
export async function until<Result>(
  what: string,
  look: () => Result | undefined | false | Promise<Result | undefined | false>,
  ms: number,
  instead?: () => string | Promise<string>,
): Promise<Result> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline)
      throw new Error(`expected ${what} within ${ms} ms${instead ? `; instead:\n${await instead()}` : ''}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
