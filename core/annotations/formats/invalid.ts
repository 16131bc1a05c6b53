import type { InvalidReason } from './format.ts';

/** A statement that could not be read, before anybody knows where it stands. */
export interface Flaw {
  reason: InvalidReason;
  message: string;
}

export const flaw = (reason: InvalidReason, message: string): Flaw => ({ reason, message });

export const isFlaw = (value: object): value is Flaw => 'reason' in value;
