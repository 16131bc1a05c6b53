/** Modules that a user may bring to all workflows: interceptors and converters. Each leaves a trace. */
import { DefaultFailureConverter, DefaultPayloadConverter, METADATA_ENCODING_KEY } from '@temporalio/common';
import { upsertMemo, type WorkflowInterceptors } from '@temporalio/workflow';

export const interceptors = (): WorkflowInterceptors => ({
  inbound: [
    {
      execute(input, next) {
        upsertMemo({ seenBy: 'the interceptor' });
        return next(input);
      },
    },
  ],
});

class MarkingPayloadConverter extends DefaultPayloadConverter {
  override toPayload<T>(value: T) {
    const payload = super.toPayload(value);
    const encoding = payload.metadata?.[METADATA_ENCODING_KEY];
    return encoding === undefined ? payload : { ...payload, metadata: { ...payload.metadata, marked: encoding } };
  }
}
export const payloadConverter = new MarkingPayloadConverter();

class MarkingFailureConverter extends DefaultFailureConverter {
  override errorToFailure(...args: Parameters<DefaultFailureConverter['errorToFailure']>) {
    return { ...super.errorToFailure(...args), source: 'the failure converter' };
  }
}
export const failureConverter = new MarkingFailureConverter();
