/** A part of the inspector that opens, with a few words about what is set in it. */
import { ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import classes from "./inspector.module.css";

interface SectionProps {
  title: string;
  /** What is set, in a few words. */
  note: string;
  isSet: boolean;
  /** A field inside is wanted, so it must be open. */
  isWanted?: boolean;
  isOpenAtFirst?: boolean;
  testId?: string;
  children: ReactNode;
}

export default function Section({
  title,
  note,
  isSet,
  isWanted = false,
  isOpenAtFirst = false,
  testId,
  children,
}: SectionProps) {
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  const [wasWanted, setWasWanted] = useState(false);
  if (isWanted !== wasWanted) {
    setWasWanted(isWanted);
    if (isWanted) {
      setOpen(true);
    }
  }
  return (
    <section className={classes.section} data-testid={testId}>
      <button
        type="button"
        className={classes.sectionHead}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <ChevronRight size={13} className={classes.chevron} data-open={isOpen || undefined} />
        <b>{title}</b>
        <span className={classes.sectionNote} data-set={isSet || undefined}>
          {note}
        </span>
      </button>
      {isOpen && <div className={classes.sectionBody}>{children}</div>}
    </section>
  );
}
