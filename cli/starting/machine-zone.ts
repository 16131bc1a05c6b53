/** Undefined if TZ is empty or names no zone, as it may under cron and Docker Compose. Node then says `Etc/Unknown`. */
function zoneHere(): string | undefined {
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions() as { timeZone?: string };
  return zone === 'Etc/Unknown' ? undefined : zone;
}

export const isMachineZoneKnown = (): boolean => zoneHere() !== undefined;

/** The time zone of this machine's clock; UTC if it is unknown. */
export const machineZone = (): string => zoneHere() ?? 'UTC';
