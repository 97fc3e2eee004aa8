/**
 * What of a chart is in view. *Pure.*
 *
 *   V1  The lit boxes are in view, with their neighbours around them; never so near that a box fills the view.
 *   V2  It has the shape of the window, so that nothing is distorted and no edge of it is empty without need.
 *   V3  While what is lit stays well within the view, the view stays: a chart that jumps with each step cannot be read.
 */
export type Box = { x: number; y: number; width: number; height: number };

/** Chart points a window point shows at the nearest: text of 12 points is then as large as in the page. */
const NEAREST = 0.85;
const AROUND = 60;

export const boxAround = (boxes: readonly Box[]): Box | undefined => {
  if (boxes.length === 0) return undefined;
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
};

/** V2. @param chart all of it */
export const wholeView = (chart: Box, window: { width: number; height: number }): Box =>
  shaped(chart, chart, window, Math.max(chart.width / window.width, chart.height / window.height));

/** V1. */
export function fittedView(lit: Box, chart: Box, window: { width: number; height: number }): Box {
  const scale = Math.max(NEAREST, (lit.width + 2 * AROUND) / window.width, (lit.height + 2 * AROUND) / window.height);
  const whole = Math.max(chart.width / window.width, chart.height / window.height);
  return shaped(lit, chart, window, Math.min(scale, whole));
}

/** V3. */
export const isWellWithin = (lit: Box, view: Box): boolean =>
  lit.x >= view.x + view.width * 0.04 &&
  lit.y >= view.y + view.height * 0.04 &&
  lit.x + lit.width <= view.x + view.width * 0.96 &&
  lit.y + lit.height <= view.y + view.height * 0.96;

/** By a factor around a point of the chart, not further out than all of it. */
export function zoomedView(view: Box, factor: number, at: { x: number; y: number }, chart: Box): Box {
  const most = Math.max(chart.width / view.width, chart.height / view.height) * 1.1;
  const by = Math.min(Math.max(factor, (160 / view.width) * 1), Math.max(1, most));
  return {
    x: at.x - (at.x - view.x) * by,
    y: at.y - (at.y - view.y) * by,
    width: view.width * by,
    height: view.height * by,
  };
}

/** As CSS moves and scales a drawing, which has its own size, so that the view fills the window. */
export function transformTo(view: Box, chart: Box, window: { width: number; height: number }): string {
  const scale = Math.min(window.width / view.width, window.height / view.height);
  const [x, y] = [(chart.x - view.x) * scale, (chart.y - view.y) * scale];
  const [left, top] = [(window.width - view.width * scale) / 2, (window.height - view.height * scale) / 2];
  return `translate(${(x + left).toFixed(1)}px, ${(y + top).toFixed(1)}px) scale(${scale.toFixed(4)})`;
}

function shaped(lit: Box, chart: Box, window: { width: number; height: number }, scale: number): Box {
  const [width, height] = [window.width * scale, window.height * scale];
  const place = (middle: number, length: number, from: number, whole: number) =>
    length >= whole
      ? from + (whole - length) / 2
      : Math.min(Math.max(middle - length / 2, from), from + whole - length);
  return {
    x: place(lit.x + lit.width / 2, width, chart.x, chart.width),
    y: place(lit.y + lit.height / 2, height, chart.y, chart.height),
    width,
    height,
  };
}
