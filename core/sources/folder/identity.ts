/** Tells a file from every other one that may take its name, as long as it is open. */
export const identityOf = ({ dev, ino }: { dev: bigint; ino: bigint }) => `${dev}:${ino}`;
