/**
 * What joins the sockets of a connection to it, and to each other. Bytes go as `pipe()` would carry them, but all
 * connections share the functions of this file: no listener object per connection and direction.
 */
import type { Socket } from "node:net";
import { OWN_FAULTS } from "../own-faults.js";
import type { NetConnection } from "./connection.js";
import { endedByReset } from "./socket.js";

const OWN_FAULT_CODES: ReadonlySet<string | undefined> = new Set(OWN_FAULTS);

/** Tells the connection of its client's end; its bytes wait in the socket until `startRelay`. */
export function wireClient(socket: Socket, connection: NetConnection): void {
  bind(socket, connection).on("error", onClientError).on("close", onClose);
}

/** Tells the connection what becomes of connecting, and of the realserver's end. */
export function wireRealserver(socket: Socket, connection: NetConnection): void {
  bind(socket, connection).on("connect", onConnect).on("error", onRealserverError).on("close", onClose);
}

/** Bytes and ends flow both ways from now on; both sockets are wired. */
export function startRelay(client: Socket, realserver: Socket): void {
  realserver.on("data", onRealserverData).on("end", onRealserverEnd).on("drain", onRealserverDrain);
  client.on("data", onClientData).on("end", onClientEnd).on("drain", onClientDrain);
  // An end without a byte before it does not wait for somebody to read.
  if (client.readableEnded) onClientEnd.call(client as BoundSocket);
}

/** A socket that knows its connection. */
interface BoundSocket extends Socket {
  connection: NetConnection;
}

function bind(socket: Socket, connection: NetConnection): BoundSocket {
  return Object.assign(socket, { connection });
}

function onClientData(this: BoundSocket, chunk: Buffer): void {
  const { connection } = this;
  connection.inBytes += chunk.length;
  if (connection.realserver?.write(chunk) === false) this.pause();
}

function onRealserverData(this: BoundSocket, chunk: Buffer): void {
  const { connection } = this;
  connection.outBytes += chunk.length;
  if (!connection.client.write(chunk)) this.pause();
}

function onClientDrain(this: BoundSocket): void {
  this.connection.realserver?.resume();
}

function onRealserverDrain(this: BoundSocket): void {
  this.connection.client.resume();
}

function onClientEnd(this: BoundSocket): void {
  if (endedByReset(this)) this.connection.wasReset("client");
  else this.connection.fin("client");
}

function onRealserverEnd(this: BoundSocket): void {
  if (endedByReset(this)) this.connection.wasReset("realserver");
  else this.connection.fin("realserver");
}

function onClientError(this: BoundSocket): void {
  this.connection.wasReset("client");
}

function onConnect(this: BoundSocket): void {
  this.connection.connected();
}

function onRealserverError(this: BoundSocket, error: NodeJS.ErrnoException): void {
  const { connection } = this;
  if (this !== connection.realserver) return;
  if (connection.isConnected) {
    connection.wasReset("realserver");
  } else if (error.code === "ECONNREFUSED") {
    connection.connectFailed("connectRefused");
  } else if (error.code === "ETIMEDOUT") {
    connection.connectFailed("connectTimedOut");
  } else if (!connection.connectTroubled(error)) {
    connection.connectFailed("connectFailed", OWN_FAULT_CODES.has(error.code));
  }
}

function onClose(this: BoundSocket): void {
  const { connection } = this;
  if (this === connection.client || this === connection.realserver) connection.socketClosed();
}
