/** From a state of a machine to its shape in the drawing, and an arrow between two. *Pure.* */
import type { Box } from './fitted-view.ts';

/** `live.conversing.dialogue.active` → `live_conversing_dialogue_active`, as machines/analysis/diagram.ts writes them. */
export const chartIdOf = (state: string): string => state.replaceAll('.', '_');

/** The states around a state, from the outermost on. */
export const ancestorsOf = (state: string): string[] => {
  const parts = state.split('.');
  return parts.slice(1).map((_, place) => parts.slice(0, place + 1).join('.'));
};

/** Regions in which nothing happens rest here: they are lit, and no reason to look away from the others. */
const rests: ReadonlySet<string> = new Set(['none', 'open']);
export const isRestState = (state: string): boolean => rests.has(state.split('.').at(-1) ?? '');

const HEAD = 9;

/** From the edge of one box to the edge of another, in a bow. */
export function movedPath(from: Box, to: Box): { line: string; head: string } {
  const [one, other] = [middleOf(from), middleOf(to)];
  const [x, y] = [other.x - one.x, other.y - one.y];
  const length = Math.hypot(x, y) || 1;
  const bow = Math.min(80, length * 0.18);
  const control = { x: (one.x + other.x) / 2 - (y / length) * bow, y: (one.y + other.y) / 2 + (x / length) * bow };
  const begin = edgeOf(from, control);
  const end = edgeOf(to, control);
  const angle = Math.atan2(end.y - control.y, end.x - control.x);
  const corner = (turn: number) =>
    `${number(end.x - HEAD * 1.5 * Math.cos(angle + turn))},${number(end.y - HEAD * 1.5 * Math.sin(angle + turn))}`;
  return {
    line: `M${number(begin.x)},${number(begin.y)}Q${number(control.x)},${number(control.y)} ${number(end.x)},${number(end.y)}`,
    head: `M${number(end.x)},${number(end.y)}L${corner(0.4)}L${corner(-0.4)}z`,
  };
}

const number = (value: number): string => value.toFixed(1);
const middleOf = ({ x, y, width, height }: Box) => ({ x: x + width / 2, y: y + height / 2 });
const edgeOf = (box: Box, towards: { x: number; y: number }) => {
  const middle = middleOf(box);
  const [x, y] = [towards.x - middle.x, towards.y - middle.y];
  const share = Math.min(
    x === 0 ? Infinity : box.width / 2 / Math.abs(x),
    y === 0 ? Infinity : box.height / 2 / Math.abs(y),
    1,
  );
  return { x: middle.x + x * share, y: middle.y + y * share };
};
