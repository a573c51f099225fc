import type { ApiError } from "../bindings/ApiError";
import type { BackendEvent } from "../bindings/BackendEvent";
import type { Code } from "../bindings/Code";
import type { Place } from "../bindings/Place";
import type { Problem } from "../bindings/Problem";

/** What a dialog for files shows. */
export type PickOptions = {
  title: string;
  /** Endings to show: `.baton.json`, `.csv`. Empty for all. */
  endings: string[];
  /** Where to begin: a folder, or a file whose folder is meant. */
  start?: string;
  /** Name that is suggested for a new file. */
  suggested?: string;
};

/** The way to the Rust side: one function to ask with, one stream of events. */
export interface Backend {
  readonly kind: "window" | "browser";
  rpc(name: string, request: unknown): Promise<unknown>;
  /** Calls `listener` with every event until the returned function is called. */
  subscribe(listener: (event: BackendEvent) => void): () => void;
  /** Asks for a file to open, with the dialog of the system. Absent where there is none. */
  pickOpen?(options: PickOptions): Promise<string | null>;
  pickSave?(options: PickOptions): Promise<string | null>;
  /** Shows a notification of the system. */
  notify?(title: string, body: string): Promise<void>;
  /** Ends the session of a user of a server. */
  signOut?(): Promise<void>;
  /** Sets the title of the window. */
  setTitle?(title: string): Promise<void>;
  /** Calls `mayClose` before the window closes; `false` keeps it open. */
  onClose?(mayClose: () => Promise<boolean>): () => void;
  /** Calls `listener` with a file that was named when the program was started once more. */
  onOpenFile?(listener: (path: string) => void): void;
}

/** A command that failed, as the Rust side tells it. */
export class BackendError extends Error {
  readonly code: Code;
  readonly hint: string | undefined;
  readonly place: Place | undefined;
  readonly problems: Problem[];

  constructor(error: ApiError) {
    super(error.message);
    this.name = "BackendError";
    this.code = error.code;
    this.hint = error.hint;
    this.place = error.place;
    this.problems = error.problems ?? [];
  }
}

/** Makes a [`BackendError`] of whatever was thrown. */
export function toBackendError(thrown: unknown): BackendError {
  if (thrown instanceof BackendError) return thrown;
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown) {
    return new BackendError(thrown as ApiError);
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new BackendError({ code: "internal", message });
}

let current: Backend | undefined;

/** Chooses the backend, once at start (and in every test). */
export function setBackend(chosen: Backend): void {
  current = chosen;
}

/** The backend that was chosen at start. */
export function getBackend(): Backend {
  if (!current) throw new Error("no backend was chosen");
  return current;
}
