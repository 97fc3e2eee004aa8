/**
 * Set by the keeper for a worker that it starts beside another one, which has the port of the health check as yet: to
 * `serving` when that one takes calls until this one is warm, and to `leaving` when it takes none any more.
 */
export const BESIDE = 'LASTWORD_BESIDE';
export type Beside = 'serving' | 'leaving';
