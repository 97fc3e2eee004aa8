/**
 * Set by the keeper for a worker that it starts while another one has the port of the health check: to `serving` when that
 * one takes calls until this one is warm, and to `leaving` when it takes none any more.
 */
export const REPLACES = 'LASTWORD_REPLACES';
export type Replaced = 'serving' | 'leaving';
