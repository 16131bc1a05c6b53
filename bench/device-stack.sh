#!/usr/bin/env bash
# Loads a folder through the whole stack, and prints what its record says of the two phases.
#   bench/device-stack.sh IMAGES_FOLDER MODEL_FOLDER
set -uo pipefail
cd "$(dirname "$0")/.."
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
node cli/plimsoll.ts up --data "$data" --temporal-port 0 --ui-port 0 --mongo-port 0 --api-port 0 \
  --load "$1" --dataset fed --model "$2" --exit --json >"$data/status.json" 2>"$data/log" || tail -5 "$data/log"
node -e '
const { load } = JSON.parse(fs.readFileSync(process.argv[1]));
for (const [phase, { started_at, finished_at, done, total, ...rest }] of Object.entries(load.phases)) {
  const seconds = (new Date(finished_at) - new Date(started_at)) / 1000;
  console.log(JSON.stringify({ what: `stack, ${phase}`, seconds, done, imagesPerSecond: done / seconds, model: rest.model_key }));
}' "$data/status.json"
