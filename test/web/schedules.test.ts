import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { settingsFrom } from '../../api/settings.ts';
import { startApi } from '../../api/start-server.ts';
import { createToken } from '../../core/api-tokens.ts';
import { buildWeb } from '../../scripts/build-web.ts';
import type { Job, Schedule } from '../../web/src/api/shapes.ts';
import { emptyScheduleForm, scheduleBodyOf } from '../../web/src/new-schedule.ts';
import { routeOf } from '../../web/src/state/route.ts';
import { makePictures } from '../support/pictures.ts';
import { faultsOf, LOOKS, type View } from './looks.ts';
import { openPageStack, type PageStack } from './page-stack.ts';

let all: PageStack;
let pictures: string;

beforeAll(async () => {
  all = await openPageStack();
  pictures = join(all.sources, 'pictures');
  await makePictures(pictures, 4);
}, 120_000);
afterEach(async () => {
  for (const context of all.browser.contexts()) await context.close();
  expect(all.complaints.splice(0)).toEqual([]);
});
afterAll(() => all?.stop(), 60_000);

const HOURLY = { every_seconds: 3600 };
const schedule = (name: string, load: object = {}, times: object = HOURLY) =>
  all.post<Schedule>('/api/schedules', { name, load: { dataset: name, source: pictures, ...load }, ...times });
const read = (name: string) => all.get<Schedule>(`/api/schedules/${name}`);
const row = (page: Page, name: string) =>
  page.getByRole('listitem').filter({ has: page.getByRole('heading', { name, exact: true }) });

// The first, as the list is still empty.
test('where there are none, that is said, and what to do', async () => {
  const page = await all.open('/datasets');
  await page.getByRole('navigation').getByRole('link', { name: 'Schedules' }).click();
  await page.getByRole('heading', { name: 'No schedules yet' }).waitFor();
  await page.getByRole('link', { name: 'New schedule' }).click();
  await page.waitForURL('**/schedules/new');
});

describe('a new schedule', () => {
  test('is made in its form by keys, and is on the list at once', async () => {
    const page = await all.open('/loads/new');
    await page.getByRole('link', { name: 'Repeat it on a schedule' }).click();
    await page.getByRole('combobox', { name: 'Folder' }).fill(pictures);
    expect(await page.getByRole('textbox', { name: 'Name of the schedule' }).inputValue()).toBe('pictures');
    await page.getByRole('textbox', { name: 'Time of day' }).fill('22:30');
    for (const day of ['Sat', 'Sun']) {
      await page.getByRole('checkbox', { name: day }).focus();
      await page.keyboard.press('Space');
    }
    await page.getByRole('textbox', { name: 'Time zone', exact: true }).fill('Europe/Zurich');
    await page.getByRole('textbox', { name: 'Name of the schedule' }).fill('weekends');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/schedules');
    await row(page, 'weekends').getByText('At 22:30, only on Saturday and Sunday (Europe/Zurich)').waitFor();
    await row(page, 'weekends').getByText('Has not run yet').waitFor();
    expect(await read('weekends')).toMatchObject({
      dataset: 'pictures',
      cron: '30 22 * * sat,sun',
      request: { source: pictures, embed: true },
    });
  });

  test('says beside each field what is wrong with it', async () => {
    const page = await all.open('/schedules/new');
    await page.getByRole('combobox', { name: 'Folder' }).fill(pictures);
    await page.getByRole('radio', { name: 'By cron' }).check();
    await page.getByRole('textbox', { name: 'Cron' }).fill('61 3 * * *');
    const create = page.getByRole('button', { name: 'Create the schedule' });
    await create.click();
    await page.locator('.problem', { hasText: 'cron "61 3 * * *" can\'t be used' }).waitFor();
    await page.getByRole('textbox', { name: 'Cron' }).fill('0 3 * * *');
    await page.getByRole('textbox', { name: 'Time zone', exact: true }).fill('Mars/Olympus');
    await create.click();
    await page.locator('.problem', { hasText: '"Mars/Olympus" is not a known time zone' }).waitFor();
    await page.getByRole('textbox', { name: 'Time zone', exact: true }).fill('UTC');
    await page.getByRole('combobox', { name: 'Folder' }).fill('/etc');
    await create.click();
    await page.locator('.problem', { hasText: '/etc is not in or below a source root' }).waitFor();
    await page.getByRole('combobox', { name: 'Folder' }).fill(pictures);
    await page.getByText('Options').click();
    await page.getByLabel('Webhooks').fill('https://user:word@hooks.example.com');
    await page.getByText('Options').click();
    await create.click();
    // An error in an option opens the options.
    await page.locator('.problem', { hasText: 'no user name or password' }).waitFor();
  });

  test.each<[string, object, object]>([
    ['every day', {}, { cron: '0 3 * * *', time_zone: 'Europe/Zurich' }],
    ['some days', { time: '22:05', days: ['sat', 'sun'] }, { cron: '5 22 * * sat,sun', time_zone: 'Europe/Zurich' }],
    ['a span', { rhythm: 'every', every: '1.5', unit: 'hours' }, { every_seconds: 5400 }],
    ['cron', { rhythm: 'cron', cron: ' @daily ' }, { cron: '@daily', time_zone: 'Europe/Zurich' }],
  ])('asks for %s as the API takes it', (_, fields, times) => {
    const form = { ...emptyScheduleForm(), name: 'a', zone: 'Europe/Zurich', ...fields };
    const load = { ...form.load, source: '/data/a/', dataset: 'a', embed_at: '2030-01-01T10:00' };
    expect(scheduleBodyOf({ ...form, load })).toEqual({
      name: 'a',
      load: { source: '/data/a', dataset: 'a' },
      ...times,
    });
  });
});

describe('where there are some', () => {
  beforeAll(async () => {
    await schedule('standing');
  });

  describe('a schedule', () => {
    test('is paused with a reason, which is shown, and resumed', async () => {
      await schedule('paused');
      const page = await all.open('/schedules');
      await page.getByRole('button', { name: 'Pause paused' }).click();
      await page.getByRole('dialog').getByRole('textbox').fill('the disk is being replaced');
      await page.keyboard.press('Enter');
      await row(page, 'paused').getByText('Paused: the disk is being replaced').waitFor();
      expect(await read('paused')).toMatchObject({ paused: true, note: 'the disk is being replaced' });
      await page.reload();
      await row(page, 'paused').getByText('Paused: the disk is being replaced').waitFor();
      await page.getByRole('button', { name: 'Resume paused' }).click();
      await row(page, 'paused').getByText('Next ').waitFor();
      expect((await read('paused')).paused).toBe(false);
    });

    test('loads now, and how that ends is seen to come', async () => {
      await schedule('now');
      const page = await all.open('/schedules');
      await page.getByRole('button', { name: 'Load now: now' }).click();
      await row(page, 'now').getByText('now loads now.').waitFor();
      await row(page, 'now').getByText('Completed', { exact: true }).waitFor();
      await row(page, 'now').getByRole('link', { name: 'The load of now' }).click();
      await page.waitForURL('**/jobs/*');
      const { last_run } = await read('now');
      expect(new URL(page.url()).pathname).toBe(`/jobs/${last_run?.job_id}`);
    });

    test('says that a run was skipped, and why another failed', async () => {
      await all.post<Job>('/api/loads', { dataset: 'busy', source: pictures, embed_at: '2199-01-01T00:00:00Z' });
      await schedule('busy');
      const doomed = join(all.sources, 'doomed');
      await makePictures(doomed, 1);
      await schedule('doomed', { source: doomed });
      await rm(doomed, { recursive: true });
      const page = await all.open('/schedules');
      await page.getByRole('button', { name: 'Load now: busy' }).click();
      await row(page, 'busy').getByText('Skipped: a job of busy is running already.').waitFor();
      await row(page, 'busy').getByText('Skipped', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Load now: doomed' }).click();
      await row(page, 'doomed').getByText('Failed', { exact: true }).waitFor();
      await row(page, 'doomed').getByText('there is no folder').waitFor();
      await all.post('/api/jobs/busy/cancel', {});
    });

    test('whose load runs is not run again, which is said', async () => {
      await schedule('twice', { embed_at: '2199-01-01T00:00:00Z' });
      const page = await all.open('/schedules');
      await page.getByRole('button', { name: 'Load now: twice' }).click();
      await row(page, 'twice').getByText('Running', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Load now: twice' }).click();
      await row(page, 'twice').getByText('The last run of schedule "twice" is not over').waitFor();
      await all.post('/api/jobs/twice/cancel', {});
    });

    test('is deleted after a question, and stays gone', async () => {
      await schedule('gone');
      const page = await all.open('/schedules');
      await page.getByRole('button', { name: 'Delete gone' }).click();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Delete gone' }).click();
      await page.getByRole('button', { name: 'Delete the schedule' }).click();
      await row(page, 'gone').waitFor({ state: 'detached' });
      await page.reload();
      await row(page, 'standing').waitFor();
      expect(await row(page, 'gone').count()).toBe(0);
      await expect(read('gone')).rejects.toThrow('ScheduleNotFound');
    });

    test('that another made, paused or deleted comes and goes by itself', async () => {
      const page = await all.open('/schedules');
      await row(page, 'standing').waitFor();
      await schedule('elsewhere');
      await row(page, 'elsewhere').waitFor();
      await all.post('/api/schedules/elsewhere/pause', { reason: 'by another' });
      await row(page, 'elsewhere').getByText('Paused: by another').waitFor();
      await fetch(`${all.url}/api/schedules/elsewhere`, { method: 'DELETE' });
      await row(page, 'elsewhere').waitFor({ state: 'detached' });
    });
  });

  describe('what would not come', () => {
    const AWAY = {
      status: 503,
      contentType: 'application/problem+json',
      body: '{"code":"TemporalUnavailable","detail":"Temporal does not answer."}',
    };

    test('is said, and asked for again', async () => {
      const page = await all.open('about:blank');
      await page.clock.install();
      await page.goto('/datasets');
      await page.route('**/api/schedules', (route) => route.fulfill(AWAY));
      await page.getByRole('navigation').getByRole('link', { name: 'Schedules' }).click();
      const refusal = page.getByText("The list of schedules can't be read just now");
      await refusal.waitFor();
      // The page also asks again by itself, but not while its clock stands still.
      await page.clock.pauseAt(Date.now() + 1000);
      await refusal.waitFor();
      await page.unroute('**/api/schedules');
      await page.getByRole('button', { name: 'Try again' }).click();
      await row(page, 'standing').waitFor();
    });

    test('leaves what is shown, and says of when that is', async () => {
      const page = await all.open('/schedules');
      await row(page, 'standing').waitFor();
      await page.route('**/api/schedules', (route) => route.fulfill(AWAY));
      await page.getByText("the list can't be read just now").waitFor();
      await row(page, 'standing').waitFor();
      await page.unroute('**/api/schedules');
      await page.getByText("the list can't be read just now").waitFor({ state: 'detached' });
    });
  });

  test('who may only read sees schedules, their folders by name, and no buttons', async () => {
    const { token, line } = createToken('read');
    const { MONGODB_URI = '', ...env } = all.stack.env;
    const settings = await settingsFrom({ ...env, MONGODB_URI, PLIMSOLL_API_TOKENS: line }, { port: 0 });
    const api = await startApi({ ...settings, webFolder: await buildWeb() }, () => {});
    try {
      const page = await all.open(`${api.url}/schedules`);
      await page.getByLabel('Token').fill(token);
      await page.getByRole('button', { name: 'Continue' }).click();
      await row(page, 'standing').getByText('pictures', { exact: true }).waitFor();
      expect(await page.getByRole('main').getByRole('button').count()).toBe(0);
      expect(await page.getByRole('link', { name: 'New schedule' }).count()).toBe(0);
      await page.goto(`${api.url}/schedules/new`);
      await page.getByRole('heading', { name: 'This token may only read' }).waitFor();
    } finally {
      await api.close();
    }
  });

  describe('the list, the form and the questions', () => {
    const VIEWS: View[] = [
      ['schedules', '/schedules', (page) => row(page, 'standing').waitFor()],
      ['a pause', '/schedules', (page) => page.getByRole('button', { name: 'Pause standing' }).click()],
      ['a deletion', '/schedules', (page) => page.getByRole('button', { name: 'Delete standing' }).click()],
      ['a new schedule', '/schedules/new', (page) => page.getByText('Options').click()],
      ['by cron', '/schedules/new', (page) => page.getByRole('radio', { name: 'By cron' }).check()],
      ['a new load', '/loads/new', (page) => page.getByText('Options').click()],
    ];

    test.each(LOOKS)(
      'are accessible, %s, and no wider than the window',
      async (_look, options) => {
        const page = await all.open('/schedules', options);
        expect(await faultsOf(page, VIEWS)).toEqual([]);
      },
      90_000,
    );
  });
});

test.each([
  ['/schedules', { view: 'schedules' }],
  ['/schedules/new', { view: 'new-schedule' }],
  ['/schedules/nightly', { view: 'unknown', path: '/schedules/nightly' }],
])('%s is a view', (path, route) => expect(routeOf(path)).toEqual(route));
