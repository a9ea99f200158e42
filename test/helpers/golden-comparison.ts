/**
 * What of a recorded listing is compared with that of a proxy. Everything is, but for what a proxy has otherwise
 * (docs/differences.md) and what the recordings' README calls random; that is replaced on both sides alike.
 */

/** Rewrites one listing into what is compared. */
export type ListingRule = (listing: string) => string;

/**
 * @param words the command line that printed it
 * @param closedClients endpoints of clients whose connections have ended
 */
export function listingRule(words: readonly string[], closedClients: ReadonlySet<string>): ListingRule {
  return (listing) => {
    if (listing.startsWith("IPVS connection entries")) return connectionRows(listing, closedClients);
    let text = listing;
    if (words.includes("--stats")) text = withoutTraffic(text);
    if (words.includes("--rate")) text = withoutRates(text);
    if (words.includes("--nosort")) text = withoutServiceOrder(text);
    return text;
  };
}

/**
 * Rows as a set, without the time that is left (the replay does not wait as long). The kernel's entries of ended
 * connections are not compared: uvs counts these and keeps nothing else of them.
 */
function connectionRows(listing: string, closedClients: ReadonlySet<string>): string {
  const [title, columns, ...rows] = listing.split("\n").slice(0, -1);
  const open = rows.filter((row) => !closedClients.has(row.split(/ +/)[3]));
  return [title, columns, ...open.map((row) => row.replace(/ \d\d:\d\d /, " mm:ss ")).sort()].join("\n");
}

/**
 * Connections are exact, and all of UDP is; packets and bytes of TCP are those of the kernel's packets. Who counted nothing at
 * all shows nothing.
 */
function withoutTraffic(listing: string): string {
  return listing
    .split(SERVICE_ROW)
    .map((service) => (service.startsWith("UDP") ? service : withoutTcpTraffic(service)))
    .join("");
}

function withoutTcpTraffic(rows: string): string {
  return rows.replace(NUMBERS, (numbers) => {
    const [connections, ...traffic] = numbers.trim().split(/ +/);
    const isUntouched = connections === "0" && traffic.every((number) => number === "0");
    return isUntouched ? " 0 0 0 0 0" : ` ${connections} # # # #`;
  });
}

/** Rates are averages over time; only their places are compared. */
function withoutRates(listing: string): string {
  return listing.replace(NUMBERS, " # # # # #");
}

/** The five numbers at the end of a row. */
const NUMBERS = /(?: +\d+[KMGT]?){5}$/gm;

/** Where the rows of a service begin. */
const SERVICE_ROW = /^(?=(?:TCP|UDP|SCTP|FWM) )/m;

/** The order of services is that of the kernel's hash table; that of a service's realservers matters. */
function withoutServiceOrder(listing: string): string {
  const [title, ...services] = listing.split(SERVICE_ROW);
  return [title, ...services.sort()].join("");
}
