/** The servers of Debian's packages as lab tests run them: each prepares a folder of its own, which everybody may read. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selfSigned } from "./certificates.js";
import { run, type ServerCommand } from "./real-server.js";

const isRoot = process.getuid?.() === 0;

/** Gives a file or folder to a user, where the test is root. */
function give(path: string, user: string): void {
  if (isRoot) run("chown", [user, path]);
}

export function preparePostgres(folder: string, port: number): ServerCommand {
  const user = "postgres";
  const { cert, key } = selfSigned(folder, "db.example");
  const password = join(folder, "password");
  const data = join(folder, "data");
  writeFileSync(password, "secret\n");
  mkdirSync(data, { mode: 0o700 });
  for (const path of [password, data, cert, key]) give(path, user);
  chmodSync(key, 0o600);
  run("initdb", ["-D", data, "-U", "check", `--pwfile=${password}`, "--auth=scram-sha-256", "--no-sync"], {
    user,
  });
  const settings = [
    ...[`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"],
    ...["ssl=on", `ssl_cert_file=${cert}`, `ssl_key_file=${key}`],
  ];
  return {
    program: "postgres",
    args: ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
    ready: /ready to accept connections/,
    user,
  };
}

export function prepareNginx(folder: string, listen: string): ServerCommand {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(" ");
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr; ${isRoot ? "user root;" : ""}
     events {}
     http { access_log off; ${paths}
       server { ${listen} location = /up { return 200 "all well\\n"; } location / { return 404; } }
     }`,
  );
  return { program: "nginx", args: ["-c", join(folder, "nginx.conf"), "-e", "stderr"] };
}

export function prepareSlapd(folder: string, port: number): ServerCommand {
  const config = join(folder, "slapd.conf");
  const data = join(folder, "db");
  mkdirSync(data);
  writeFileSync(
    config,
    `include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "dc=example"
rootdn "cn=admin,dc=example"
rootpw secret
directory ${data}
`,
  );
  run("slapadd", ["-f", config], {
    input: "dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n",
  });
  return { program: "slapd", args: ["-f", config, "-h", `ldap://127.0.0.1:${port}`, "-d", "0"] };
}

export function prepareMariadb(folder: string, port: number): ServerCommand {
  const data = join(folder, "data");
  const init = join(folder, "init.sql");
  const { cert, key } = selfSigned(folder, "db.example");
  mkdirSync(data);
  writeFileSync(init, "CREATE USER 'check'@'%' IDENTIFIED BY 'secret';\n");
  const user = isRoot ? ["--user=root"] : [];
  run("mariadb-install-db", [
    ...["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db"],
    ...user,
  ]);
  return {
    program: "mariadbd",
    args: [
      ...["--no-defaults", `--datadir=${data}`, `--port=${port}`, "--bind-address=127.0.0.1", ...user],
      ...[`--socket=${folder}/socket`, `--pid-file=${folder}/pid`, `--init-file=${init}`],
      ...[`--ssl-cert=${cert}`, `--ssl-key=${key}`],
    ],
    ready: /ready for connections/,
  };
}

export function preparePostfix(folder: string, port: number): ServerCommand {
  const { cert, key } = selfSigned(folder, "mx.example");
  for (const name of ["conf", "queue", "data"]) mkdirSync(join(folder, name));
  give(join(folder, "data"), "postfix");
  writeFileSync(
    join(folder, "conf", "main.cf"),
    `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
maillog_file = ${folder}/log
maillog_file_prefixes = ${tmpdir()}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example
mydestination =
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_chain_files = ${key}, ${cert}
`,
  );
  writeFileSync(
    join(folder, "conf", "master.cf"),
    `127.0.0.1:${port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
`,
  );
  const config = ["-c", join(folder, "conf")];
  return { program: "postfix", args: [...config, "start-fg"], stopArgs: [...config, "stop"] };
}

export function prepareDovecot(folder: string, protocol: "imap" | "pop3", port: number): ServerCommand {
  const mail = join(folder, "mail");
  const config = join(folder, "dovecot.conf");
  mkdirSync(mail);
  give(mail, "nobody");
  writeFileSync(
    config,
    `base_dir = ${folder}/run
log_path = ${folder}/log
protocols = ${protocol}
ssl = no
disable_plaintext_auth = no
listen = 127.0.0.1
mail_location = maildir:${mail}
service ${protocol}-login {
  inet_listener ${protocol} {
    port = ${port}
  }
  inet_listener ${protocol}s {
    port = 0
  }
}
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=${mail}
}
`,
  );
  return { program: "dovecot", args: ["-F", "-c", config] };
}

export function prepareVsftpd(folder: string, port: number): ServerCommand {
  const root = join(folder, "root");
  const config = join(folder, "vsftpd.conf");
  mkdirSync(root, { mode: 0o755 });
  writeFileSync(join(root, "up.txt"), "all well\n", { mode: 0o644 });
  writeFileSync(
    config,
    `listen=YES
background=NO
listen_address=127.0.0.1
listen_port=${port}
anonymous_enable=YES
local_enable=NO
run_as_launching_user=YES
anon_root=${root}
secure_chroot_dir=${root}
seccomp_sandbox=NO
xferlog_enable=NO
`,
  );
  return { program: "vsftpd", args: [config] };
}

export function prepareFreeradius(folder: string, port: number): ServerCommand {
  writeFileSync(
    join(folder, "radiusd.conf"),
    `prefix = /usr
libdir = /usr/lib/freeradius
logdir = ${folder}
raddbdir = ${folder}
run_dir = ${folder}
security {
  status_server = yes
}
client local {
  ipaddr = 127.0.0.1
  secret = testing123
}
modules {
  pap {
  }
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    if (&User-Name == "check") {
      update control {
        &Cleartext-Password := "secret"
      }
    }
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
}
`,
  );
  return {
    program: "freeradius",
    args: ["-f", "-d", folder, "-l", "stdout"],
    ready: /Ready to process requests/,
  };
}
