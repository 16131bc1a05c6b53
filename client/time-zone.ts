/** What to write in place of a zone that is not known: the zone of a city's name, where that is what was given. */
export function unknownZone(zone: string): string {
  const city = (name: string) => name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  const wanted = city(zone.replace(/ /g, '_'));
  const meant = Intl.supportedValuesOf('timeZone').find((name) => city(name) === wanted);
  return `"${zone}" is not a time zone that is known here. Write a name of the IANA database, as in ${meant ?? 'Europe/Zurich or UTC'}.`;
}
