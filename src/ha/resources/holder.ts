/** What an election commands: whoever takes, keeps and gives up the floating addresses and what belongs to them. */
export interface Holder {
  /**
   * Takes everything, in order; goes on in the background. What fails is told by the callback the holder was made with.
   * @param isAnnouncedLater `announce` follows at once. @default false
   */
  acquire(isAnnouncedLater?: boolean): void;
  /**
   * Gives everything up. Settles when the addresses are gone, within the holder's own time limit; never rejects.
   * @param isUrgent the addresses first: somebody else has them, or nobody can reach them here
   */
  release(isUrgent: boolean): Promise<void>;
  /** Clients know where to find the addresses now: a release that is under way leaves them no more time. */
  hasten(): void;
  /** Goes through giving up what is not held, and opens what taking it needs: that costs nobody time when it counts. */
  rehearse(): void;
  /** Announces the addresses again. */
  announce(): void;
}
