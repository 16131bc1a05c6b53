import type { ScheduleStatus } from '../../client/schedule-status.ts';
import type { ApiContext } from '../context.ts';
import { newRouter } from '../http/new-router.ts';
import { requireModel } from '../models/models.ts';
import { presentSchedule } from '../present/schedule.ts';
import type { Scope } from '../schemas/server.ts';
import { requireLoadPlaces } from '../sources/require-source.ts';
import * as routes from './routes.ts';

export function scheduleRoutes({ backends, settings, sources }: Pick<ApiContext, 'backends' | 'settings' | 'sources'>) {
  const { schedules } = backends.client;
  const present = (status: ScheduleStatus, scope: Scope | null) =>
    presentSchedule(status, scope ?? 'read', settings.sourceRoots);
  const router = newRouter();

  router.openapi(routes.createOneRoute, async (c) => {
    const request = c.req.valid('json');
    await requireLoadPlaces(request.load, { sources, roots: settings.sourceRoots }, 'load.');
    await requireModel(request.load.model, settings.modelFolders, 'load.model');
    const created = await schedules.create(request, { startId: c.get('claim')?.id });
    return c.json(present(created, c.get('scope')), 201, { Location: `/api/schedules/${created.name}` });
  });

  router.openapi(routes.listRoute, async (c) => {
    const found = await schedules.list();
    return c.json({ schedules: found.map((status) => present(status, c.get('scope'))) }, 200);
  });

  router.openapi(routes.getRoute, async (c) =>
    c.json(present(await schedules.get(c.req.valid('param').schedule), c.get('scope')), 200),
  );

  router.openapi(routes.deleteRoute, async (c) => {
    await schedules.delete(c.req.valid('param').schedule);
    return c.body(null, 204);
  });

  router.openapi(routes.pauseRoute, async (c) =>
    c.json(present(await schedules.pause(c.req.valid('param').schedule, c.req.valid('json')), c.get('scope')), 200),
  );

  router.openapi(routes.resumeRoute, async (c) =>
    c.json(present(await schedules.resume(c.req.valid('param').schedule), c.get('scope')), 200),
  );

  router.openapi(routes.triggerRoute, async (c) => {
    const claim = c.get('claim');
    const since = claim?.takenOver ? claim.since : undefined;
    return c.json(present(await schedules.trigger(c.req.valid('param').schedule, { since }), c.get('scope')), 200);
  });

  return router;
}
