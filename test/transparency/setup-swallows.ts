/** A planted observer: it looks at what a tool answers and at how a session starts, and keeps their errors to itself. */
import { meetSessions } from './meet-sessions.ts';

meetSessions((session, { agent }) => {});
