import type { Holder } from "../../src/ha/resources/holder.js";

/** A holder that only writes down what it was told. */
export class RecordingHolder implements Holder {
  readonly calls: string[] = [];
  isHeld = false;
  /** Settles the releases that wait, where `isSlow`. */
  finishRelease: () => void = () => {};
  isSlow = false;

  acquire(): void {
    this.calls.push("acquire");
    this.isHeld = true;
  }

  release(isUrgent: boolean): Promise<void> {
    this.calls.push(isUrgent ? "release at once" : "release in order");
    if (!this.isSlow) {
      this.isHeld = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.finishRelease = () => {
        this.isHeld = false;
        resolve();
      };
    });
  }

  rehearse(): void {}

  hasten(): void {
    this.calls.push("hasten");
  }

  announce(): void {
    this.calls.push("announce");
  }
}
