#!/usr/bin/env bash
# Measures how a GPU is fed, in some five minutes: decoders alone (processes × threads), the encoder alone, both together,
# and the transport alone; then a load through the whole stack. Prints a line of JSON for each.
#
#   bench/device.sh FOLDER [STEP …]     steps: facts right encoder decoders both transport memory torch stack
#
# FOLDER gets the images and models. The device is PLIMSOLL_DEVICE, cuda:0 by default. `torch` needs PyTorch; it loads the
# same files with a DataLoader, as people without Plimsoll do. `stack` needs the servers: see README.md.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=${1:?a folder for images and models}
shift
steps=${*:-facts right encoder decoders both transport memory torch stack}
count=${COUNT:-8192}
cores=$(nproc)
export PLIMSOLL_DEVICE=${PLIMSOLL_DEVICE:-cuda:0}
images=$folder/images
models=$folder/models
vit=$models/random-vit-b-32-v2

feed() { timeout 120 node bench/feed.ts "$images" "$@" --device "$PLIMSOLL_DEVICE" --threads "$cores"; }
since() { echo "# $(($(date +%s) - started)) s: $*"; }
started=$(date +%s)

node bench/images.ts "$images" "$((2 * count))"
node bench/vit.ts "$models" float32 >/dev/null & node bench/vit.ts "$models" float16 >/dev/null & wait
since 'images and models are there'

for step in $steps; do
  case $step in
    facts)
      nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
      node -e 'console.log(os.cpus()[0].model, os.availableParallelism(), "cores, Node", process.version)'
      ;;
    right) timeout 120 node bench/same-vectors.ts "$images" "$vit" ;;
    encoder)
      for model in "$vit" "$vit:fp16"; do
        for batch in 64 256; do feed "$model" --only encoder --count "$count" --batch-size $batch; done
        feed "$model" --only encoder --count "$count" --batch-size 64 --floats
      done
      ;;
    decoders)
      timeout 60 node bench/bare-decoders.ts "$images" "$count" "$cores"
      feed "$vit" --only decoders --count "$((count / 4))" --decoders 1
      feed "$vit" --only decoders --count "$count" --decoders "$((cores / 2)),$cores"
      ;;
    both)
      feed "$vit:fp16" --only both --count "$count"
      feed "$vit" --only both --count "$count"
      ;;
    transport) feed "$vit" --only transport --count "$((2 * count))" ;;
    memory) timeout 90 bash bench/little-memory.sh "$images" "$vit" ;;
    torch) timeout 90 python3 bench/torch-loader.py "$images" "$count" "$cores" ;;
    stack) timeout 150 bash bench/device-stack.sh "$images" "$vit:fp16" ;;
  esac
  since "$step"
done
