/** Looks at what the director needs, and at what it has made in the kernel. Changes nothing; connects to realservers once. */
import type { Endpoint } from "../../core/address.js";
import type { DoctorReport, Finding } from "../../core/doctor.js";
import type { UvsError } from "../../core/errors.js";
import type { VirtualService } from "../../core/model.js";
import type { ProbeResult } from "../../dataplane/native/return-probe.js";
import type { Diversion } from "../diversion/diversion.js";
import { planListening } from "../listening-plan.js";
import { findRoutes, type HostView } from "./host.js";
import {
  listeningFinding,
  MAX_PROBED,
  returnFinding,
  sourceFinding,
  sourcesOf,
  transparentRealservers,
  vipFinding,
  vipsOf,
} from "./service-findings.js";
import {
  bridgeFinding,
  capabilityFinding,
  descriptorFinding,
  forwardingFinding,
  type Needs,
  nonlocalBindFinding,
  type Plane,
  planeFinding,
  portRangeFinding,
  programFinding,
  reversePathFinding,
} from "./system-findings.js";

/** What is looked at. */
export interface Patient {
  readonly services: readonly VirtualService[];
  readonly plane: Plane;
  /** Whether a socket is open for this key of the listening plan. */
  readonly isListening: (key: string) => boolean;
  readonly diversion: Pick<Diversion, "inspect">;
  /** Why the kernel's rules could not be made. */
  readonly refusal: UvsError | undefined;
  /** Connects to a realserver from far away; undefined: system calls are not possible. */
  readonly probe: ((to: Endpoint) => Promise<ProbeResult>) | undefined;
}

/** Looks at everything. */
export async function examine(patient: Patient, host: HostView): Promise<DoctorReport> {
  const needs = needsOf(patient.services);
  const realservers = transparentRealservers(patient.services);
  const [system, services, rules] = await Promise.all([
    examineSystem(patient, needs, host),
    examineServices(patient, realservers, host),
    patient.diversion.inspect(),
  ]);
  const missing = rules.filter(({ isPresent }) => !isPresent);
  const made: Finding[] = [];
  if (patient.refusal !== undefined) made.push(refused(patient.refusal));
  if (missing.length > 0) {
    made.push({
      state: "fail",
      subject: "rules",
      found: `${missing.length} of ${rules.length} that were made are gone, as after nft flush ruleset`,
      advice: "uvs reload makes them again",
    });
  }
  return { findings: [...system, ...made, ...services], rules };
}

function needsOf(services: readonly VirtualService[]): Needs {
  const { diversions, returns } = planListening(services);
  return {
    transparent: returns.length > 0,
    diverted: diversions.length > 0,
    intercepting: services.some(({ settings }) => settings.intercept !== undefined),
    sources: Math.min(
      ...services.map(({ settings }) => settings.source?.length ?? 1),
      Number.MAX_SAFE_INTEGER,
    ),
  };
}

async function examineSystem({ plane, services }: Patient, needs: Needs, host: HostView): Promise<Finding[]> {
  const programs = await Promise.all([
    programFinding(host, "nft", "nftables", needs),
    programFinding(host, "ip", "iproute2", needs),
  ]);
  const bridges = bridgeFinding(host, needs);
  return [
    planeFinding(plane),
    capabilityFinding(host, needs),
    ...programs,
    descriptorFinding(host, plane),
    portRangeFinding(host, services.length === 0 ? { ...needs, sources: 1 } : needs),
    nonlocalBindFinding(host, plane),
    forwardingFinding(host, 4, needs),
    forwardingFinding(host, 6, needs),
    ...(bridges === undefined ? [] : [bridges]),
  ];
}

async function examineServices(
  { services, isListening, probe }: Patient,
  realservers: readonly Endpoint[],
  host: HostView,
): Promise<Finding[]> {
  const vips = vipsOf(services);
  const sources = sourcesOf(services);
  const { listeners } = planListening(services);
  const addresses = new Set([...vips, ...sources, ...realservers.map(({ address }) => address)]);
  const routes = await findRoutes(host, [...addresses]);
  const devices = new Set(realservers.flatMap(({ address }) => routes.get(address)?.device ?? []));
  const missing = [...listeners.keys()].filter((key) => !isListening(key));
  const probed = await Promise.all(
    realservers.map((server, i) => {
      const canBe = i < MAX_PROBED && server.port > 0 && !routes.get(server.address)?.isLocal;
      return canBe ? probe?.(server) : undefined;
    }),
  );
  return [
    ...(devices.size > 0 ? [reversePathFinding(host, [...devices])] : []),
    listeningFinding(listeners.size - missing.length, missing),
    ...vips.map((address) => vipFinding(address, routes.get(address))),
    ...sources.map((address) => sourceFinding(address, routes.get(address))),
    ...realservers.map((server, i) => returnFinding(server, routes.get(server.address), probed[i])),
  ];
}

function refused({ message, details }: UvsError): Finding {
  const command = details["command"];
  return {
    state: "fail",
    subject: "rules",
    found: message,
    advice: command === undefined ? "uvs reload tries again" : `uvs reload tries again; by hand:\n${command}`,
  };
}
