/** *Pure.* The stage of a session, or the state of another machine: `live.conversing.dialogue.active` → `conversing`. */
export const stageIn = ([leaf = '']: readonly string[]): string => {
  const [outer = '', inner] = leaf.split('.');
  return outer === 'live' ? (inner ?? outer) : outer;
};
