/** Identifies a file as long as it is open, even if another file takes its name. */
export const identityOf = ({ dev, ino }: { dev: bigint; ino: bigint }) => `${dev}:${ino}`;
