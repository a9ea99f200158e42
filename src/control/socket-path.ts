/** Where the control socket is: what server and clients agree on. */

/** Where the control socket is unless something else is said. */
export const DEFAULT_SOCKET_PATH = "/run/uvs/uvsd.sock";

/** Longest path, in bytes, that the system takes: sun_path of unix(7) without its final zero. */
export const MAX_SOCKET_PATH = 107;

/** The socket to speak to: what `--socket` says, else `UVS_SOCKET`, else the default. */
export function socketPath(option: string | undefined, environment: NodeJS.ProcessEnv): string {
  return option || environment["UVS_SOCKET"] || DEFAULT_SOCKET_PATH;
}
