/** Moves the whole picture to any moment of the run. */
import { ActionIcon, Button, Slider, Tooltip } from "@mantine/core";
import { Pause, Play, Radio, SkipBack, SkipForward } from "lucide-react";
import { useEffect, useState } from "react";
import type { RunView } from "../../bindings/RunView";
import { hasEnded, runName, useRun } from "../../state/run";
import classes from "./runs.module.css";
import { formatClock } from "./time";

const PLAY_MS = 220;

export default function RunSlider({ view }: { view: RunView }) {
  const atSeq = useRun((run) => run.atSeq);
  const setSeq = useRun((run) => run.setSeq);
  const [isPlaying, setPlaying] = useState(false);
  const last = Math.max(1, view.summary.seq);
  const value = Math.min(atSeq ?? last, last);
  const isLive = atSeq === null;
  const go = (seq: number) => setSeq(Math.max(1, Math.min(last, seq)));

  useEffect(() => {
    if (!isPlaying) {
      return;
    }
    // A long run plays in about half a minute, whatever its length.
    const stride = Math.max(1, Math.round(last / 140));
    const timer = setInterval(() => {
      const at = useRun.getState().atSeq ?? 1;
      if (at >= last) {
        setPlaying(false);
      } else {
        setSeq(Math.min(last, at + stride));
      }
    }, PLAY_MS);
    return () => clearInterval(timer);
  }, [isPlaying, last, setSeq]);

  const play = () => {
    if (!isPlaying && value >= last) {
      setSeq(1);
    } else if (!isPlaying) {
      setSeq(value);
    }
    setPlaying(!isPlaying);
  };
  return (
    <div className={classes.slider}>
      <Tooltip label="Event before">
        <ActionIcon
          aria-label="Event before"
          disabled={value <= 1}
          onClick={() => {
            setPlaying(false);
            go(value - 1);
          }}
          data-testid="run-step-back"
        >
          <SkipBack size={15} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label={isPlaying ? "Halt" : "Play the run from here"}>
        <ActionIcon aria-label={isPlaying ? "Halt" : "Play"} onClick={play} data-testid="run-play">
          {isPlaying ? <Pause size={15} /> : <Play size={15} />}
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Next event">
        <ActionIcon
          aria-label="Next event"
          disabled={value >= last}
          onClick={() => {
            setPlaying(false);
            go(value + 1);
          }}
          data-testid="run-step-forward"
        >
          <SkipForward size={15} />
        </ActionIcon>
      </Tooltip>
      <Slider
        className={classes.track ?? ""}
        size={4}
        min={1}
        max={last}
        value={value}
        label={null}
        thumbLabel={`Event of run ${runName(view.summary)}`}
        onChange={(next) => {
          setPlaying(false);
          go(next);
        }}
        data-testid="run-slider"
      />
      <span className={classes.moment} aria-live="polite">
        event {value.toLocaleString("en")} of {last.toLocaleString("en")} · {formatClock(view.at)}
      </span>
      <Tooltip
        label={
          isLive ? "Following the run" : hasEnded(view.summary.status) ? "To the end" : "Follow the run again"
        }
      >
        <Button
          size="compact-xs"
          variant={isLive ? "light" : "default"}
          leftSection={<Radio size={12} />}
          aria-pressed={isLive}
          onClick={() => {
            setPlaying(false);
            setSeq(null);
          }}
          data-testid="run-live"
        >
          Live
        </Button>
      </Tooltip>
    </div>
  );
}
