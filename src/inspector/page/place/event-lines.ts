/**
 * Server-sent events out of a stream of text. *Pure.* Own lines of code, since an EventSource cannot send `Authorization`.
 * A comment (`: still here`) is no event; it says that the line is alive.
 */
export type EventBlock = { id: string; event: string; data: string };

/** @returns takes what came, gives the events that are whole; the rest waits for more */
export function eventLines(): (text: string) => EventBlock[] {
  let rest = '';
  return (text) => {
    const blocks = (rest + text).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop() ?? '';
    return blocks.flatMap((block): EventBlock[] => {
      const found: EventBlock = { id: '', event: 'message', data: '' };
      const data: string[] = [];
      for (const line of block.split('\n')) {
        const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        if (name === 'id') found.id = value;
        else if (name === 'event') found.event = value;
        else if (name === 'data') data.push(value);
      }
      return data.length === 0 ? [] : [{ ...found, data: data.join('\n') }];
    });
  };
}
