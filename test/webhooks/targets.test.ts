import { describe, expect, it } from 'vitest';
import { parseAllowList } from '../../core/webhooks/allow-list.ts';
import { checkWebhooks } from '../../core/webhooks/check.ts';
import { noWebhooks, webhooksFromEnvironment } from '../../core/webhooks/config.ts';
import { checkAddress, targetOf } from '../../core/webhooks/target.ts';
import { SECRET } from './receiver.ts';

const check = (url: string, allow = '') =>
  checkWebhooks({ ...noWebhooks, secrets: async () => [SECRET], allow: parseAllowList(allow) }, [
    { url, secret: 'default' },
  ]);
const isRefused = expect.objectContaining({ code: 'WebhookTargetRefused' });

describe('the target of a webhook', () => {
  it.each([
    'https://127.0.0.1/hook',
    'https://10.1.2.3/hook',
    'https://172.16.0.1/hook',
    'https://192.168.1.1/hook',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/hook',
    'https://0.0.0.0/hook',
    'https://255.255.255.255/hook',
    'https://[::1]/hook',
    'https://[::]/hook',
    'https://[fe80::1]/hook',
    'https://[fd00::1]/hook',
    'https://[::ffff:10.0.0.1]/hook',
    'https://[::ffff:a9fe:a9fe]/hook',
    'https://[64:ff9b::7f00:1]/hook',
    'https://[2002:7f00:1::]/hook',
    'https://[::127.0.0.1]/hook',
    'https://[::a9fe:a9fe]/hook',
    'https://[4000::1]/hook',
    'https://168.63.129.16/machine/',
    'https://2130706433/hook',
    'https://0x7f.1/hook',
    'https://0177.0.0.1/hook',
    'https://127.0.0.1./hook',
    'https://localhost/hook',
    'https://localhost./hook',
    'https://hooks.LOCALHOST/hook',
  ])('is refused before the load begins: %s', async (url) => {
    await expect(check(url)).rejects.toEqual(isRefused);
  });

  it.each(['https://8.8.8.8/hook', 'https://[2606:4700::1111]/hook', 'https://hooks.example.com/hook'])(
    'may be public: %s',
    async (url) => {
      await expect(check(url)).resolves.toBeUndefined();
    },
  );

  it('is refused on plain http, unless it is allowed by name or may be by its address', async () => {
    await expect(check('http://hooks.example.com/')).rejects.toEqual(isRefused);
    await expect(check('http://8.8.8.8/')).rejects.toEqual(isRefused);
    await expect(check('http://hooks.example.com/', 'hooks.example.com')).resolves.toBeUndefined();
    await expect(check('http://hooks.example.com/', '10.0.0.0/8')).resolves.toBeUndefined();
    await expect(check('http://hooks.example.com:9000/', '127.0.0.1:9000')).resolves.toBeUndefined();
    await expect(check('http://hooks.example.com/', '127.0.0.1:9000')).rejects.toEqual(isRefused);
    const allow = parseAllowList('10.0.0.0/8');
    expect(() => checkAddress(allow, targetOf('http://hooks.example.com/'), '8.8.8.8')).toThrow('plain http');
    expect(() => checkAddress(allow, targetOf('http://hooks.example.com/'), '10.2.3.4')).not.toThrow();
  });

  it.each([
    ['https://10.1.2.3/', '10.0.0.0/8', true],
    ['https://10.1.2.3/', '10.1.2.3', true],
    ['https://10.1.2.3:8443/', '10.1.2.3:8443', true],
    ['https://10.1.2.3/', '10.1.2.3:8443', false],
    ['https://10.1.2.3/', '10.1.2.4, 10.2.0.0/16', false],
    ['http://[::1]:8080/', '[::1]:8080', true],
    ['http://[::1]:8081/', '[::1]:8080', false],
    ['https://[fd00::12]/', 'fd00::/8', true],
    ['https://[::ffff:10.0.0.1]/', '10.0.0.0/8', true],
    ['http://localhost:9000/', 'LOCALHOST:9000', true],
    ['http://localhost:9001/', 'localhost:9000', false],
    ['http://evil-hooks.internal/', 'hooks.internal', false],
  ])('%s with %s allowed: %s', async (url, allow, isAllowed) => {
    if (isAllowed) await expect(check(url, allow)).resolves.toBeUndefined();
    else await expect(check(url, allow)).rejects.toEqual(isRefused);
  });

  it('is named in the refusal without its path, with what would allow it', async () => {
    const refusal = await check('https://192.168.7.7:8443/hook?token=geheim').catch((error: Error) => error.message);
    expect(refusal).toBe(
      'webhooks: https://192.168.7.7:8443 is a private address. ' +
        'The operator of the worker can allow it: PLIMSOLL_WEBHOOK_ALLOW=192.168.7.7:8443',
    );
  });

  it.each(['http://hooks.internal', '10.0.0.0/33', 'host:99999', 'host:0', '[fe80', 'a b', 'user@host'])(
    'can not be allowed by what is no host: %s',
    (entry) => {
      expect(() => webhooksFromEnvironment({ PLIMSOLL_WEBHOOK_ALLOW: entry })).toThrow(
        expect.objectContaining({ code: 'InvalidSetting', message: expect.stringContaining(`"${entry}"`) }),
      );
    },
  );
});
