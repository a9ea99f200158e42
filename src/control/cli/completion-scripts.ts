/** The texts that complete `uvs` command lines in a shell, made of the table of commands. They ask no director. */
import type { Command } from "./command.js";

/** Options of every command. */
const COMMON = ["--socket", "--help"];

/** For bash: a function and its registration. */
export function bashCompletion(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const files = command.completes === "files" ? " files=yes" : "";
    return `    ${command.name}) words=${quoted(wordsOf(command).join(" "))}${files} ;;`;
  });
  const names = [...commands.map(({ name }) => name), "help", ...COMMON, "--version"];
  return `# bash completion of uvs
_uvs() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  local command= words= files= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
    --socket) ((i++)) ;;
    -*) ;;
    *)
      command=\${COMP_WORDS[i]}
      break
      ;;
    esac
  done
  if [[ $previous == --socket ]]; then
    files=yes
  else
    case $command in
    '') words=${quoted(names.join(" "))} ;;
${cases.join("\n")}
    help) words=${quoted(commands.map(({ name }) => name).join(" "))} ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; [[ -z $files ]] || compgen -f -- "$current")
}
complete -o filenames -F _uvs uvs`;
}

/** For zsh: a file of $fpath. */
export function zshCompletion(commands: readonly Command[]): string {
  const list = [
    ...commands.map(({ name, summary }) => `${name}:${summary}`),
    "help:shows what a command does",
  ];
  const cases = commands.map((command) => {
    const options = wordsOf(command).filter((word) => word.startsWith("-"));
    const specs = options.map((option) => quoted(takesValue(command, option) ? `${option}=:value:` : option));
    const { completes } = command;
    if (completes === "files") specs.push(quoted("*:file:_files"));
    else if (completes !== undefined) specs.push(quoted(`*:word:(${completes.join(" ")})`));
    return `      ${command.name}) _arguments ${specs.join(" ")} ;;`;
  });
  return `#compdef uvs
_uvs() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
${list.map((entry) => `    ${quoted(entry)}`).join("\n")}
  )
  _arguments -C '--socket=:path:_files' '--help' '--version' '1: :->command' '*:: :->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in
${cases.join("\n")}
      help) _describe command commands ;;
      esac
      ;;
  esac
}
_uvs "$@"`;
}

/** Options and words that may follow the command. */
function wordsOf({ options, completes }: Command): string[] {
  const words = Array.isArray(completes) ? completes : [];
  return [...words, ...Object.keys(options).map((name) => `--${name}`), ...COMMON];
}

function takesValue({ options }: Command, option: string): boolean {
  return option === "--socket" || options[option.slice(2)]?.type === "string";
}

/** For either shell, in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
