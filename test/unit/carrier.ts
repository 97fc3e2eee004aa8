/** A carrier in this process: the real sender, without a courier. */
import type { Carrier } from '../../src/delivery/courier-messages.ts';
import { endedBy, openSender } from '../../src/delivery/send.ts';
import type { Store } from '../../src/store/store.ts';

export const carrierOf = (store: Pick<Store, 'body'>): Carrier => {
  const sender = openSender();
  return {
    attempt: async (destination, row, stop, begin) => {
      const body = (await store.body(row.delivery)) ?? '';
      if (!(await begin())) return { kind: 'unbegun', error: 'somebody else has it' };
      return endedBy(stop, (ending) => sender.attempt(destination, { ...row, body }, ending));
    },
    close: () => sender.close(),
  };
};
