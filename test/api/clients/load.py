"""Imports every module of the client that openapi-python-client made, and runs a load."""

import importlib
import pkgutil
import sys

import httpx
import plimsoll_client
from plimsoll_client import Client
from plimsoll_client.api.jobs import wait_for_job
from plimsoll_client.api.loads import start_load
from plimsoll_client.models import LoadRequest

for module in pkgutil.walk_packages(plimsoll_client.__path__, "plimsoll_client."):
    importlib.import_module(module.name)

url, dataset, source, embed_task_queue = sys.argv[1:]
# A busy machine is no fault of the client's.
client = Client(base_url=url, timeout=httpx.Timeout(300))
job = start_load.sync(
    client=client, body=LoadRequest(dataset=dataset, source=source, embed_task_queue=embed_task_queue)
)
waited = wait_for_job.sync(job.job_id, client=client)
while not waited.reached:
    waited = wait_for_job.sync(job.job_id, client=client)
print(waited.job.state, waited.job.request["dataset"])
