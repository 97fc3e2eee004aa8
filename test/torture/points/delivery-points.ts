/** The places from a session's last entry to its delivered report: no call is needed for them, nor a server. */
import type { Blow } from './blow.ts';
import { points } from './points.ts';

export type DeliveryPoint = {
  id: string;
  where: string;
  dies: 'keeper' | 'courier' | 'courier and keeper';
  /** How often its receiver may get the report, always the same one: nobody knows whether it has what was in flight. */
  requests: 1 | 2;
  blows: readonly Blow[];
};

const dying = (who: Blow['who'], side: Blow['side'], place: Blow['place'], ...holds: string[]): Blow => ({
  who,
  side,
  place,
  holds,
});
const answered = dying('courier', 'before', 'sends', '"type":"done"', '"kind":"answered"');

const rows: readonly Omit<DeliveryPoint, 'id'>[] = [
  {
    where: 'before the seal',
    dies: 'keeper',
    requests: 1,
    blows: [dying('keeper', 'before', 'gives', '"method":"seal"')],
  },
  {
    where: 'the report is in the transaction of the seal, before it is committed',
    dies: 'keeper',
    requests: 1,
    blows: [dying('keeper', 'after', 'runs', 'insert into reports')],
  },
  {
    where: 'report and rows of the outbox are committed, and nobody knows',
    dies: 'keeper',
    requests: 1,
    blows: [dying('keeper', 'before', 'learns', '"method":"seal"')],
  },
  {
    where: 'before `keeper.sealed`',
    dies: 'keeper',
    requests: 2,
    blows: [dying('keeper', 'before', 'writes', '"kind":"keeper.sealed"')],
  },
  {
    where: '`sealed` is said',
    dies: 'keeper',
    requests: 2,
    blows: [dying('keeper', 'after', 'says', '"type":"sealed"')],
  },
  {
    where: 'rows are claimed, and nobody knows',
    dies: 'keeper',
    requests: 1,
    blows: [dying('keeper', 'before', 'learns', '"method":"claim"')],
  },
  {
    where: 'an attempt is durable, before `go`',
    dies: 'keeper',
    requests: 1,
    blows: [dying('keeper', 'before', 'learns', '"method":"begin"')],
  },
  {
    where: '`go` is not heard yet',
    dies: 'courier',
    requests: 1,
    blows: [dying('courier', 'before', 'gets', '"type":"go"')],
  },
  {
    where: 'the request is sent',
    dies: 'courier',
    requests: 2,
    blows: [dying('courier', 'after', 'says', 'POST / HTTP')],
  },
  { where: 'the receiver has answered', dies: 'courier', requests: 2, blows: [answered] },
  {
    where: 'the receiver has answered',
    dies: 'courier and keeper',
    requests: 2,
    blows: [{ ...answered, kills: ['keeper', 'itself'] }],
  },
  {
    where: 'before an attempt is settled',
    dies: 'keeper',
    requests: 2,
    blows: [dying('keeper', 'before', 'gives', '"method":"settle"')],
  },
  {
    where: 'an attempt is settled, and nobody knows',
    dies: 'keeper',
    requests: 2,
    blows: [dying('keeper', 'before', 'learns', '"method":"settle"')],
  },
];

export const deliveryPoints: readonly DeliveryPoint[] = rows.map((row, index) => ({
  id: `K${points.length + index + 1}`,
  ...row,
}));
