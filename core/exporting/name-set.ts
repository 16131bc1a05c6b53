import { hash } from 'node:crypto';

/** A set of names that takes 16 bytes a name, whatever their length. */
export interface NameSet {
  has(name: string): boolean;
  add(name: string): void;
}

/**
 * Creates a set that holds 53 bits of each name's SHA-1. What was added is always found. Among a million names, one in
 * ten billion others is taken for one of them.
 */
export function createNameSet(): NameSet {
  let slots = new Float64Array(1 << 12);
  let size = 0;

  /** Where a key is, or the free slot where it would be. Zero marks a free slot. */
  function slotOf(key: number): number {
    let slot = key % slots.length;
    while (slots[slot] !== 0 && slots[slot] !== key) slot = (slot + 1) % slots.length;
    return slot;
  }

  function grow(): void {
    const before = slots;
    slots = new Float64Array(before.length * 2);
    for (const key of before) if (key !== 0) slots[slotOf(key)] = key;
  }

  return {
    has: (name) => slots[slotOf(keyOf(name))] !== 0,
    add(name) {
      const key = keyOf(name);
      const slot = slotOf(key);
      if (slots[slot] === key) return;
      slots[slot] = key;
      size += 1;
      if (size * 2 > slots.length) grow();
    },
  };
}

/** From 1 to 2^52. */
const keyOf = (name: string): number => Number.parseInt(hash('sha1', name).slice(0, 13), 16) + 1;
