import { UnstyledButton } from "@mantine/core";
import type { SampleInfo } from "../../bindings/SampleInfo";
import { openPath } from "../../state/files";
import classes from "./StartPage.module.css";

/** A sample, with a picture of it. */
export function SampleCard({ sample }: { sample: SampleInfo }) {
  return (
    <UnstyledButton
      className={classes.sample}
      data-testid={`sample-${sample.id}`}
      onClick={() => void openPath(sample.path)}
    >
      <span className={classes.picture}>
        {/* As an image the picture can neither run nor load anything. */}
        <img src={`data:image/svg+xml;utf8,${encodeURIComponent(sample.svg)}`} alt="" loading="lazy" />
      </span>
      <span className={classes.sampleWords}>
        <span className={classes.sampleName}>{sample.name}</span>
        <span className={classes.purpose}>{sample.purpose}</span>
        <span className={classes.tags}>
          {sample.steps} steps
          {sample.tags.slice(0, 2).map((tag) => (
            <span key={tag}>{tag}</span>
          ))}
        </span>
      </span>
    </UnstyledButton>
  );
}
