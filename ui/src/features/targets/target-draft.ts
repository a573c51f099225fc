/** A target as it is filled in: one text for each field, whatever kind is chosen. */
import type { PlaceKind } from "../../backend/target";
import type { TargetAdd } from "../../bindings/TargetAdd";
import type { TargetLine } from "../../bindings/TargetLine";
import type { TargetPlace } from "../../bindings/TargetPlace";

export interface TargetDraft {
  kind: PlaceKind;
  name: string;
  secret: string;
  url: string;
  ca: string;
  address: string;
  namespace: string;
  taskQueue: string;
  blobs: string;
  keys: string;
  tls: boolean;
  tlsCa: string;
  tlsCert: string;
  tlsKey: string;
}

const BLANK: TargetDraft = {
  kind: "server",
  name: "",
  secret: "",
  url: "",
  ca: "",
  address: "localhost:7233",
  namespace: "default",
  taskQueue: "baton",
  blobs: "",
  keys: "",
  tls: false,
  tlsCa: "",
  tlsCert: "",
  tlsKey: "",
};

/** What the form shows first. The secret of a kept target is not known here, and stays as it is while it is left empty. */
export function draftOf(line: TargetLine | null): TargetDraft {
  return line === null ? BLANK : { ...BLANK, ...line.place, name: line.name };
}

export type DraftProblems = Partial<Record<keyof TargetDraft, string>>;

const NEEDED = "This is needed";

/** What is missing or cannot be meant, by field. Whether it works only a look can say. */
export function problemsOf(draft: TargetDraft, hasSecret: boolean): DraftProblems {
  const problems: DraftProblems = {};
  if (draft.name.trim() === "") problems.name = NEEDED;
  if (draft.kind === "server") {
    const url = draft.url.trim();
    if (url === "") problems.url = NEEDED;
    else if (!/^https?:\/\/[^\s/]+/.test(url))
      problems.url = "It begins with https:// (or http:// on this machine)";
    if (draft.secret.trim() === "" && !hasSecret) problems.secret = NEEDED;
    return problems;
  }
  const address = draft.address.trim();
  if (address === "") problems.address = NEEDED;
  else if (!/^[^\s/]+:\d+$/.test(address)) problems.address = "Name and port: localhost:7233";
  if (draft.namespace.trim() === "") problems.namespace = NEEDED;
  if (draft.taskQueue.trim() === "") problems.taskQueue = NEEDED;
  if (draft.tls && (draft.tlsCert.trim() === "") !== (draft.tlsKey.trim() === "")) {
    problems[draft.tlsCert.trim() === "" ? "tlsCert" : "tlsKey"] = "Certificate and key go together";
  }
  return problems;
}

/** Only fields that say something. */
function filled<T extends Record<string, string>>(fields: T): Partial<T> {
  const said = Object.entries(fields)
    .map(([name, text]) => [name, text.trim()] as const)
    .filter(([, text]) => text !== "");
  return Object.fromEntries(said) as Partial<T>;
}

export function requestOf(draft: TargetDraft, id: string | undefined): TargetAdd {
  const place: TargetPlace =
    draft.kind === "server"
      ? { kind: "server", url: draft.url.trim().replace(/\/+$/, ""), ...filled({ ca: draft.ca }) }
      : {
          kind: "temporal",
          address: draft.address.trim(),
          namespace: draft.namespace.trim(),
          taskQueue: draft.taskQueue.trim(),
          tls: draft.tls,
          ...filled({ blobs: draft.blobs, keys: draft.keys }),
          ...(draft.tls ? filled({ tlsCa: draft.tlsCa, tlsCert: draft.tlsCert, tlsKey: draft.tlsKey }) : {}),
        };
  return {
    ...(id === undefined ? {} : { id }),
    name: draft.name.trim(),
    place,
    ...(draft.secret === "" ? {} : { secret: draft.secret.trim() }),
  };
}
