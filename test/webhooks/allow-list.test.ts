import { describe, expect, it } from 'vitest';
import { nothingAllowed, parseAllowList } from '../../core/webhooks/allow-list.ts';

const rangesOf = (text: string) =>
  parseAllowList(text).ranges.map(
    ({ range: [address, bits], port }) => `${address}/${bits}${port ? ` port ${port}` : ''}`,
  );

describe('what may be posted to', () => {
  it('is nothing if nothing is listed', () => {
    for (const text of ['', ' ', ',, ,']) expect(parseAllowList(text)).toEqual(nothingAllowed);
    expect(nothingAllowed).toEqual({ hosts: [], ranges: [] });
  });

  it('is named by hosts, in any case, with a dot at the end or without', () => {
    expect(parseAllowList('Hooks.Internal., a.b_c-d:8080').hosts).toStrictEqual([
      { host: 'hooks.internal' },
      { host: 'a.b_c-d', port: 8080 },
    ]);
  });

  it('is named by addresses', () => {
    expect(rangesOf('10.0.0.1,10.0.0.2:9000,[fd00::1]:9000,[fd00::2],fd00::3')).toEqual([
      '10.0.0.1/32',
      '10.0.0.2/32 port 9000',
      'fd00::1/128 port 9000',
      'fd00::2/128',
      'fd00::3/128',
    ]);
  });

  it('is an IPv4 address also where it is written as IPv6', () => {
    expect(rangesOf('::ffff:10.0.0.1')).toEqual(['10.0.0.1/32']);
  });

  it('is named by ranges', () => {
    expect(rangesOf('10.1.0.0/16, fd00::/8')).toEqual(['10.1.0.0/16', 'fd00::/8']);
  });

  it('is any port from 1 to 65,535', () => {
    expect(parseAllowList('a:1,a:65535').hosts.map(({ port }) => port)).toEqual([1, 65_535]);
  });

  it.each([
    'a:0',
    'a:65536',
    'a:123456',
    'a:',
    ':80',
    'a b',
    'http://a',
    '[10.0.0.1]',
    '[a]',
    '[fd00::1',
    'a/8',
    'x[fd00::1]',
    '[fd00::1]x',
  ])('is not named by %s', (entry) => {
    const parse = () => parseAllowList(`a,${entry}`);
    expect(parse).toThrow(expect.objectContaining({ code: 'InvalidSetting' }));
    expect(parse).toThrow(`"${entry}" is not a host`);
  });
});
