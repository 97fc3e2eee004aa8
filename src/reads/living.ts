/** Tails of the calls that are not over. */
export class Living {
  readonly directory: string;
  constructor(directory: string) {
    this.directory = directory;
  }
}
