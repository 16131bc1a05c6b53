# The workers' image. For the CPU:
#
#   docker build -t plimsoll .
#
# For NVIDIA GPUs, with the libraries of CUDA 13 (driver 580 or later) or 12 (525 or later), which take 2.5 GB:
#
#   docker build -t plimsoll:cuda --build-arg CUDA=13 .
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS node

FROM node AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM node AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM dependencies AS cuda
COPY --from=build /app/dist ./dist
# Empty: CPU only.
ARG CUDA=
# Passed on to `plimsoll install-cuda`: a mirror of the package index, and one of NuGet, where CUDA 12 comes from.
ARG PIP_INDEX_URL=
ARG PLIMSOLL_NUGET=
# The mount keeps the download when the sources change.
RUN --mount=type=cache,target=/var/cache/cuda \
  mkdir --parents /opt/plimsoll/cuda \
  && if [ -n "$CUDA" ]; then \
    export PLIMSOLL_CUDA=/var/cache/cuda \
    && node dist/cli/plimsoll.js install-cuda --cuda "$CUDA" --json > installed.json \
    && cp --archive "$(node --print 'require("./installed.json").folder')" /opt/plimsoll/cuda/; \
  fi

FROM node AS runtime
# Temporal's core speaks TLS with the system's certificates; slim images have none.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
# A volume may hide the cache folder, so the CUDA libraries have a folder of their own. The container toolkit gives the
# driver's libraries to those who ask for them.
ENV NODE_ENV=production PLIMSOLL_CACHE=/var/cache/plimsoll PLIMSOLL_CUDA=/opt/plimsoll/cuda \
  NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN useradd --system --uid 10001 --home-dir /app plimsoll \
  && install --directory --owner plimsoll /var/cache/plimsoll
WORKDIR /app
COPY --from=cuda /opt/plimsoll/cuda /opt/plimsoll/cuda
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY models ./models
USER plimsoll
ENTRYPOINT ["node", "--max-semi-space-size=4", "dist/workers/run.js"]
CMD ["--role", "indexing"]
