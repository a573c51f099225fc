import { ActionIcon } from "@mantine/core";
import { ChevronLeft, ChevronRight } from "lucide-react";
import classes from "./Pager.module.css";

type PagerProps = {
  /** What is listed, in the plural: `runs`. */
  noun: string;
  /** From 0. */
  page: number;
  /** How many a page holds. */
  size: number;
  total: number;
  onPage(page: number): void;
};

/** Turns the pages of a list that begins with the newest. Nothing, where there is one page only. */
export function Pager({ noun, page, size, total, onPage }: PagerProps) {
  if (total <= size) return null;
  return (
    <div className={classes.pager}>
      <ActionIcon aria-label={`Newer ${noun}`} disabled={page === 0} onClick={() => onPage(page - 1)}>
        <ChevronLeft size={15} />
      </ActionIcon>
      <span>
        {page * size + 1}–{Math.min(total, (page + 1) * size)} of {total.toLocaleString("en")}
      </span>
      <ActionIcon
        aria-label={`Older ${noun}`}
        disabled={(page + 1) * size >= total}
        onClick={() => onPage(page + 1)}
      >
        <ChevronRight size={15} />
      </ActionIcon>
    </div>
  );
}
