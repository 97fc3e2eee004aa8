/** *Effect.* Ends a process and all that it started in its group, at once. Never throws. */
export const killGroup = (leader: number | undefined): void => {
  if (leader === undefined) return; // it never began
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All of it is gone.
  }
};
