/** Where runs go: this computer, or a target that is kept. */
import { Button, Menu } from "@mantine/core";
import { Check, ChevronDown, ListChecks, Plus } from "lucide-react";
import { useEffect } from "react";
import { HERE, type Target } from "../../backend/target";
import type { TargetLine } from "../../bindings/TargetLine";
import { sentence } from "../../components/Panel";
import { useWhyNot } from "../../state/rights";
import { nameOf, useLine, useNameOf, useStanding, useTargets } from "../../state/targets";
import StatusMark from "../runs/StatusMark";
import { addressOf, HERE_ICON, kindLabel, lookOf, placeIcon, plainly, troubleOf } from "./target-looks";
import classes from "./targets.module.css";

export function TargetMenu() {
  const chosen = useTargets((targets) => targets.chosen);
  const list = useTargets((targets) => targets.list);
  const error = useTargets((targets) => targets.error);
  const isOpen = useTargets((targets) => targets.isMenuOpen);
  const openMenu = useTargets((targets) => targets.openMenu);
  const show = useTargets((targets) => targets.show);
  const whyNotAdd = useWhyNot("target_add");
  const HereIcon = HERE_ICON;

  // What is seen is looked at, once for every opening.
  useEffect(() => {
    if (!isOpen) return;
    const { list: lines, check } = useTargets.getState();
    for (const line of lines ?? []) void check(line.id);
  }, [isOpen]);

  return (
    <Menu
      opened={isOpen}
      onChange={openMenu}
      position="bottom-end"
      width={340}
      trapFocus
      returnFocus
      // At once, so that no key that is pressed right after it gets lost.
      transitionProps={{ duration: 0 }}
    >
      <Menu.Target>
        <TargetButton chosen={chosen} />
      </Menu.Target>
      <Menu.Dropdown className={classes.menu ?? ""} data-testid="target-dropdown">
        <Menu.Label>Where runs go</Menu.Label>
        <Choice isChosen={chosen === HERE} target={HERE} testId="target-here">
          <HereIcon size={16} aria-hidden />
          <span className={classes.itemWords}>
            <span className={classes.itemName}>{sentence(nameOf(HERE))}</span>
          </span>
        </Choice>
        {list?.map((line) => (
          <Kept key={line.id} line={line} isChosen={chosen === line.id} />
        ))}
        {error && (
          <div className={classes.menuError} role="alert">
            <span>{sentence(error.message)}.</span>
            <button type="button" className={classes.link} onClick={() => void useTargets.getState().load()}>
              Try again
            </button>
          </div>
        )}
        <Menu.Divider />
        <Menu.Item
          leftSection={<Plus size={15} />}
          disabled={whyNotAdd !== null}
          title={whyNotAdd ?? undefined}
          onClick={() => show({ view: "form", target: null })}
          data-testid="target-add"
        >
          Add a target…
        </Menu.Item>
        <Menu.Item
          leftSection={<ListChecks size={15} />}
          onClick={() => show({ view: "list" })}
          data-testid="target-manage"
        >
          Manage…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function TargetButton({ chosen, ...rest }: { chosen: Target } & Record<string, unknown>) {
  const line = useLine(chosen);
  const name = sentence(useNameOf(chosen));
  const standing = useStanding(chosen);
  const look = lookOf(standing);
  const trouble = troubleOf(standing);
  const Icon = placeIcon(chosen === HERE ? undefined : (line?.place.kind ?? "server"));
  const state = chosen === HERE ? "" : `, ${look.label.toLowerCase()}`;
  return (
    <Button
      {...rest}
      size="sm"
      variant="default"
      className={classes.button ?? ""}
      leftSection={<Icon size={15} aria-hidden />}
      rightSection={<ChevronDown size={13} aria-hidden />}
      aria-label={`Where runs go: ${name}${state}`}
      title={
        chosen === HERE
          ? "Where runs go"
          : plainly(
              `${name}: ${trouble ? trouble.message : look.label.toLowerCase()}${trouble?.hint ? ` (${trouble.hint})` : ""}`,
            )
      }
      data-testid="target-menu"
      data-state={chosen === HERE ? undefined : look.label}
    >
      <span className={classes.buttonName}>{name}</span>
      {chosen !== HERE && (
        <span className={classes.buttonState} style={{ color: `var(--bt-${look.tone})` }}>
          <look.icon size={14} aria-hidden className={look.isBusy ? classes.turning : undefined} />
        </span>
      )}
    </Button>
  );
}

function Kept({ line, isChosen }: { line: TargetLine; isChosen: boolean }) {
  const standing = useTargets((targets) => targets.standings[line.id]);
  const Icon = placeIcon(line.place.kind);
  const trouble = troubleOf(standing);
  return (
    <Choice
      isChosen={isChosen}
      target={line.id}
      testId={`target-${line.id}`}
      {...(trouble ? { title: plainly(trouble.message) } : {})}
    >
      <Icon size={16} aria-label={kindLabel(line.place.kind)} />
      <span className={classes.itemWords}>
        <span className={classes.itemName}>{line.name}</span>
        <span className={classes.itemAddress}>{addressOf(line.place)}</span>
      </span>
      <StatusMark look={lookOf(standing)} size={13} />
    </Choice>
  );
}

interface ChoiceProps {
  isChosen: boolean;
  target: Target;
  testId: string;
  title?: string;
  children: React.ReactNode;
}

function Choice({ isChosen, target, testId, title, children }: ChoiceProps) {
  return (
    <Menu.RadioItem
      value={target ?? ""}
      checked={isChosen}
      onChange={() => useTargets.getState().choose(target)}
      closeMenuOnClick
      checkIcon={<Check size={14} className={classes.check} aria-hidden />}
      title={title}
      data-autofocus={isChosen || undefined}
      data-testid={testId}
      classNames={{ item: classes.radio ?? "", itemLabel: classes.itemLabel ?? "" }}
    >
      <span className={classes.item}>{children}</span>
    </Menu.RadioItem>
  );
}
