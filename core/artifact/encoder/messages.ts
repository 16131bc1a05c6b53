/** The texts of frames to make. */
export interface Order {
  texts: string[];
}

/** The samples of the frames, in the order of their texts; or why they could not be made. */
export type Reply = { samples: Uint8Array[] } | { fault: string };
