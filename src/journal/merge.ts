/**
 * *Pure.* Lists that are each in order, as one by time: never against the order within a list, for a clock that is set
 * back must not turn a session around. Among equals the earlier list comes first.
 */
export const mergeByTime = <Value>(lists: readonly (readonly Value[])[], at: (value: Value) => number): Value[] => {
  const merged: Value[] = [];
  const heads = lists.map((list) => ({ list, next: 0 }));
  for (;;) {
    let first: { head: { next: number }; value: Value } | undefined;
    for (const head of heads) {
      const value = head.list[head.next];
      if (value !== undefined && (!first || at(value) < at(first.value))) first = { head, value };
    }
    if (!first) return merged;
    first.head.next += 1;
    merged.push(first.value);
  }
};
