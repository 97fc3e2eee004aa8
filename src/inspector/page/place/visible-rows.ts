/** Which rows of a long list are drawn: rows of one height, those in view and some before and behind. *Pure.* */
export type VisibleRows = { first: number; end: number; offset: number; height: number };

const OVERSCAN = 8;

export function visibleRows(view: {
  count: number;
  rowHeight: number;
  scrollTop: number;
  viewHeight: number;
}): VisibleRows {
  const { count, rowHeight, viewHeight } = view;
  const height = count * rowHeight;
  const top = Math.min(Math.max(0, view.scrollTop), Math.max(0, height - viewHeight)); // the list became shorter
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const end = Math.min(count, Math.ceil((top + viewHeight) / rowHeight) + OVERSCAN);
  return { first, end, offset: first * rowHeight, height };
}

/** The least that it has to be scrolled so that a row is in view, one row from the edge. */
export function scrolledTo(row: number, view: { rowHeight: number; scrollTop: number; viewHeight: number }): number {
  const { rowHeight, scrollTop, viewHeight } = view;
  const [top, bottom] = [(row - 1) * rowHeight, (row + 2) * rowHeight];
  if (top < scrollTop) return Math.max(0, top);
  return bottom > scrollTop + viewHeight ? bottom - viewHeight : scrollTop;
}
