# The proxy as a container: docker build -t interlock . && docker run -v ./config.yaml:/etc/interlock/config.yaml interlock
#
# Node's major version is pinned because a new one is a change to test, not to receive; its minor versions are not, so that
# a rebuild picks up security fixes. `slim` (Debian) rather than Alpine: the same C library as the tests run on.

FROM node:20-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No dependency needs its install script; without them, nothing but our own compiler runs here. The compiler is a package for
# each platform, optional like the servers of the tests, which are not wanted.
RUN npm ci --ignore-scripts --omit=optional \
 && npm install --ignore-scripts --omit=optional --no-save \
    "@typescript/typescript-linux-$(node -p process.arch)@$(node -p "require('./package-lock.json').packages['node_modules/typescript'].version")"
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build
# What the running proxy does not load: development tools, source maps, the grammars of other engines.
RUN npm prune --ignore-scripts --omit=dev --omit=optional \
 && find node_modules -name '*.map' -delete \
 && rm -rf node_modules/node-sql-parser/umd \
 && find node_modules/node-sql-parser/build -type f ! -name 'mysql.*' ! -name 'mariadb.*' -delete

FROM node:20-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE config.example.yaml ./
COPY rules ./rules
COPY dashboard ./dashboard

# The image's user `node`, by number: Kubernetes can only then see that it is not root. Nothing is written anywhere.
USER 1000:1000
EXPOSE 6432

# Asks the admin port, so the configuration has to have one: 127.0.0.1:9187 unless INTERLOCK_ADMIN says otherwise.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "const port = (process.env.INTERLOCK_ADMIN ?? '127.0.0.1:9187').split(':').at(-1); fetch(`http://127.0.0.1:${port}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["-c", "/etc/interlock/config.yaml"]
