/** The error for an unknown time zone. For a city's name it suggests the zone of the city. */
export function unknownZone(zone: string): string {
  const city = (name: string) => name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  const wanted = city(zone.replace(/ /g, '_'));
  const meant = Intl.supportedValuesOf('timeZone').find((name) => city(name) === wanted);
  return `"${zone}" is not a known time zone. Write a name of the IANA database, as in ${meant ?? 'Europe/Zurich or UTC'}.`;
}
