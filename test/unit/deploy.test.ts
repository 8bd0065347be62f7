/** The files of deploy/ fit the program, the image and each other. Nothing here starts them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadText } from '../../src/config/load.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const dockerfile = read('Dockerfile');
const secrets = { INTERLOCK_TOKEN: 'a-token-of-some-length', DATABASE_SERVER: 'postgres://db.example:5432' };
const drainSeconds = 30;

describe('Kubernetes', () => {
  interface Probe {
    httpGet: { path: string; port: string };
  }
  interface Container {
    name: string;
    args: string[];
    env: { name: string }[];
    ports: { name: string; containerPort: number }[];
    startupProbe: Probe;
    readinessProbe: Probe;
    livenessProbe: Probe;
    securityContext: { runAsUser: number; runAsNonRoot: boolean; readOnlyRootFilesystem: boolean };
    volumeMounts: { name: string; mountPath: string; subPath?: string }[];
    restartPolicy: string;
  }
  const [map, deployment] = parseAllDocuments(read('deploy/kubernetes/sidecar.yaml')).map(
    (document) => document.toJS() as unknown,
  ) as unknown as [
    { metadata: { name: string }; data: Record<string, string> },
    {
      spec: {
        template: {
          spec: {
            terminationGracePeriodSeconds: number;
            initContainers: Container[];
            containers: { env: { name: string; value: string }[] }[];
            volumes: { name: string; configMap: { name: string } }[];
          };
        };
      };
    },
  ];
  const pod = deployment.spec.template.spec;
  const [sidecar] = pod.initContainers;

  test('the configuration in the ConfigMap is one, and the application connects where it listens', () => {
    const config = loadText('config.yaml', map.data['config.yaml'] ?? '', secrets);
    expect(config.listeners[0]?.listen).toEqual({ host: '127.0.0.1', port: 6432 });
    const app = Object.fromEntries(pod.containers[0]?.env.map(({ name, value }) => [name, value]) ?? []);
    expect(app).toEqual({ DATABASE_HOST: '127.0.0.1', DATABASE_PORT: '6432' });
    expect(sidecar?.ports).toEqual([{ name: 'admin', containerPort: config.admin?.listen.port }]);
    const variables = [...(map.data['config.yaml'] ?? '').matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name);
    expect(sidecar?.env.map(({ name }) => name).toSorted()).toEqual(variables.toSorted());
  });

  test('the file is where the image looks for it, in a folder that Kubernetes exchanges', () => {
    const [mount] = sidecar?.volumeMounts ?? [];
    expect(pod.volumes).toEqual([{ name: mount?.name, configMap: { name: map.metadata.name } }]);
    expect(mount?.subPath).toBeUndefined();
    expect(sidecar?.args).toEqual(['-c', `${mount?.mountPath}/config.yaml`]);
    expect(dockerfile).toContain(`CMD ["-c", "${mount?.mountPath}/config.yaml"]`);
  });

  test('probes, time to drain, the user of the image', () => {
    expect(sidecar?.startupProbe.httpGet).toEqual({ path: '/readyz', port: 'admin' });
    expect(sidecar?.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'admin' });
    expect(sidecar?.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'admin' });
    expect(sidecar?.restartPolicy).toBe('Always');
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(drainSeconds);
    expect(sidecar?.securityContext).toMatchObject({ runAsNonRoot: true, readOnlyRootFilesystem: true });
    expect(dockerfile).toContain(`USER ${sidecar?.securityContext.runAsUser}:`);
  });
});

test('Compose: the configuration is one, what is mounted exists, the ports fit', () => {
  const file = 'deploy/compose/compose.yaml';
  const { interlock, app, db } = (
    parse(read(file)) as {
      services: Record<
        string,
        {
          build?: string;
          volumes?: string[];
          command?: string[];
          stop_grace_period?: string;
          ports?: string[];
        }
      >;
    }
  ).services;
  const [source = '', target] = interlock?.volumes?.[0]?.split(':') ?? [];
  const config = loadText('config.yaml', read(join(dirname(file), source, 'config.yaml')), secrets);
  expect(dockerfile).toContain(`"${target}/config.yaml"`);
  expect(existsSync(join(root, dirname(file), interlock?.build ?? '', 'Dockerfile'))).toBe(true);
  expect(config.listeners[0]?.server).toEqual({ host: 'db', port: 5432 });
  expect(db).toBeDefined();
  expect(app?.command?.slice(0, 5)).toEqual(['psql', '-h', 'interlock', '-p', '6432']);
  expect(interlock?.ports).toEqual([`127.0.0.1:9187:${config.admin?.listen.port}`]);
  expect(Number.parseInt(interlock?.stop_grace_period ?? '', 10)).toBeGreaterThan(drainSeconds);
});

test('systemd: notified by a child, reloaded by the signal, time to drain', () => {
  const settings = Object.fromEntries(
    read('deploy/systemd/interlock.service')
      .split('\n')
      .filter((line) => /^\w+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  expect(settings).toMatchObject({
    Type: 'notify',
    NotifyAccess: 'all',
    ExecReload: '/bin/kill -HUP $MAINPID',
    KillMode: 'mixed',
  });
  expect(settings.ExecStart).toMatch(/^\/usr\/bin\/node \/opt\/interlock\/dist\/cli\.js -c /);
  expect(Number(settings.TimeoutStopSec)).toBeGreaterThan(drainSeconds);
  expect(loadText('c.yaml', read('config.example.yaml'), {}).proxyLimits.drainTimeout).toBe(
    drainSeconds * 1000,
  );
});
