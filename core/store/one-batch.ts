/** The option of a cursor that finds at most `count` documents. A batch that is full takes a second round trip to end. */
export const oneBatch = (count: number) => ({ batchSize: count + 1 });
