#!/usr/bin/env bash
# Encodes on a GPU whose memory another process has taken but for some 1.5 GB, in batches that do not fit into it.
#   bench/little-memory.sh IMAGES_FOLDER MODEL_FOLDER
set -uo pipefail
coproc hog { exec python3 -c '
import torch
free, total = torch.cuda.mem_get_info()
held = torch.empty(free - 1500 * 1024 * 1024, dtype=torch.uint8, device="cuda")
print("held", held.numel(), flush=True)
input()
'; }
read -r line <&"${hog[0]}"
echo "# $line bytes"
node bench/feed.ts "$1" "$2" --only both --count 4096 --batch-size 2048 --device "${PLIMSOLL_DEVICE:-cuda:0}"
echo >&"${hog[1]}"
wait "$hog_PID"
