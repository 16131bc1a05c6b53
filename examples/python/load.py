"""Loads a folder of images into a dataset, from Python, and awaits the end.

    pip install -r requirements.txt
    python load.py photos /data/photos

A load is a workflow that is started by its name with one JSON object, which docs/schemas/load-dataset.json describes. Nothing
of Plimsoll is needed here, and no code is shared with its workers. Temporal is found as its own tools find it:
TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, profiles.
"""

import argparse
import asyncio
import json
import os
import sys

from temporalio.client import Client, WorkflowFailureError
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError


class AlreadyRunning(Exception):
    """Another job of the dataset runs, and it is no load."""


async def load(request: dict, task_queue: str) -> dict:
    """Returns the load's status at its end: the same object as the query `status` and `plimsoll status --json` give."""
    config = {"target_host": "localhost:7233", **ClientConfig.load_client_connect_config()}
    client = await Client.connect(**config)
    # Keep to this ID: it is what makes one load a dataset at a time.
    workflow_id = f"load-{request['dataset']}"
    try:
        handle = await client.start_workflow("loadDataset", request, id=workflow_id, task_queue=task_queue)
    except WorkflowAlreadyStartedError:
        # Somebody else's load: await it in place of starting one. Any other job of the dataset has the same ID.
        handle = client.get_workflow_handle(workflow_id)
        kind = (await handle.describe()).workflow_type
        if kind != "loadDataset":
            raise AlreadyRunning(f"{workflow_id} is a {kind}: wait for its end.") from None

    ended = asyncio.ensure_future(handle.result())
    while not ended.done():
        await asyncio.wait([ended], timeout=1)
        if not ended.done():
            try:
                phases = (await handle.query("status"))["phases"]
            except RPCError as error:
                # No worker is there to answer. The load goes on when one is.
                print(f"no status: {error.message}", file=sys.stderr)
                continue
            counts = (f"{name} {phase['state']} {phase['done']}/{phase['total']}" for name, phase in phases.items())
            print(", ".join(counts), file=sys.stderr)
    return ended.result()


def main() -> int:
    parser = argparse.ArgumentParser(description="Loads a folder of images into a dataset.")
    parser.add_argument("dataset")
    parser.add_argument("source", help="absolute path of a folder on the indexing worker's machine")
    parser.add_argument("--no-embed", dest="embed", action="store_false", help="index only")
    parser.add_argument("--task-queue", default="plimsoll")
    arguments = parser.parse_args()
    request = {"dataset": arguments.dataset, "source": arguments.source, "embed": arguments.embed}
    try:
        status = asyncio.run(load(request, arguments.task_queue))
    except WorkflowFailureError as failure:
        reason = failure.cause
        # As text, an ApplicationError begins with its type.
        print(reason if isinstance(reason, ApplicationError) else f"{type(reason).__name__}: {reason}", file=sys.stderr)
        return 1
    except AlreadyRunning as error:
        print(f"AlreadyRunning: {error}", file=sys.stderr)
        return 1
    print(json.dumps(status, indent=2))
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of Temporal's client may outlive the interpreter and abort it as it ends: github.com/temporalio/sdk-python/issues/300
    os._exit(code)
