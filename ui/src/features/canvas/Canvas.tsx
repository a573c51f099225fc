import {
  type Connection,
  type EdgeChange,
  type FinalConnectionState,
  type NodeChange,
  ReactFlow,
  ReactFlowProvider,
  SelectionMode,
  useReactFlow,
  useStoreApi,
} from "@xyflow/react";
import { type MouseEvent as ReactMouseEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useCatalog } from "../../backend/queries";
import type { Problem } from "../../bindings/Problem";
import { parentOf, splitFrom, type XY } from "../../state/document";
import { useEditor } from "../../state/editor";
import { useFocus } from "../../state/focus";
import { useSettings } from "../../state/settings";
import { useTargetProblems } from "../../state/target-problems";
import { AddStepSearch } from "./AddStepSearch";
import classes from "./Canvas.module.css";
import { CanvasControls } from "./CanvasControls";
import { CanvasEmpty } from "./CanvasEmpty";
import { ContainerNode } from "./ContainerNode";
import { ContextMenu } from "./ContextMenu";
import { type CanvasApi, useCanvas } from "./canvas-store";
import { connectSteps, deleteEdge, dropStep, moveItems, rewire } from "./edits";
import { type CardEdge, FlowEdge } from "./FlowEdge";
import { GRID, type Rect } from "./geometry";
import { Minimap } from "./Minimap";
import { NoteNode } from "./NoteNode";
import { type CardNode, createNodeMaker } from "./nodes";
import { edgeMarks, stepMarks } from "./run-marks";
import { StepNode } from "./StepNode";
import { boundsOf, buildScene, containerAt, edgeAt, itemAt } from "./scene";
import { useShown } from "./shown";
import { Underlay } from "./Underlay";
import { useMounted } from "./use-mounted";

const nodeTypes = { step: StepNode, container: ContainerNode, note: NoteNode };
const edgeTypes = { flow: FlowEdge };
const NO_MOVES: Readonly<Record<string, XY>> = {};
const MIN_ZOOM = 0.05;
const MAX_ZOOM = 4;
/** From here on the words on a card can be read without effort. */
const READABLE_ZOOM = 0.72;

/** The canvas: draws the document that is edited, or the run that is looked at, and turns gestures into edits. */
export function Canvas() {
  return (
    <ReactFlowProvider>
      <Flow />
    </ReactFlowProvider>
  );
}

function Flow() {
  const { doc, check, run, isLocked } = useShown();
  const catalog = useCatalog();
  const selection = useEditor((editor) => editor.selection);
  const dropContainer = useCanvas((canvas) => canvas.dropContainer);
  const tool = useCanvas((canvas) => canvas.tool);
  const wiring = useCanvas((canvas) => canvas.wiring);
  const showsMinimap = useCanvas((canvas) => canvas.minimap);
  const wheel = useSettings((settings) => settings.wheel);
  const [moved, setMoved] = useState(NO_MOVES);
  const [hasAlt, setAlt] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const pointer = useRef<XY | null>(null);
  const boxStart = useRef<XY | null>(null);
  const flow = useReactFlow<CardNode, CardEdge>();
  const flowStore = useStoreApi();

  const scene = useMemo(
    () => (doc ? buildScene(doc, check, catalog, moved) : { items: new Map(), edges: [] }),
    [doc, check, catalog, moved],
  );
  useEffect(() => useCanvas.setState({ scene }), [scene]);
  const { mounted, isFar, onMove } = useMounted(scene, selection, frame);

  // ---- what React Flow is given
  const problems = useMemo(() => {
    const byStep = new Map<string, Problem[]>();
    for (const problem of run ? [] : (check?.problems ?? [])) {
      const { step } = problem.place;
      if (step === undefined || problem.severity === "info") continue;
      byStep.set(step, [...(byStep.get(step) ?? []), problem]);
    }
    return byStep;
  }, [check, run]);
  const there = useTargetProblems((known) => known.problems);
  const targetProblems = useMemo(() => {
    const byStep = new Map<string, Problem[]>();
    for (const problem of run ? [] : there) {
      const { step } = problem.place;
      if (step !== undefined) byStep.set(step, [...(byStep.get(step) ?? []), problem]);
    }
    return byStep;
  }, [there, run]);
  const edgeProblems = useMemo(() => {
    const byEdge = new Map<string, string>();
    for (const { place, severity } of run ? [] : (check?.problems ?? []))
      if (place.edge) byEdge.set(place.edge, severity);
    return byEdge;
  }, [check, run]);
  const views = useMemo(() => stepMarks(run), [run]);
  const marks = useMemo(() => edgeMarks(run), [run]);
  const used = useMemo(() => {
    const handles = new Map<string, Set<string>>();
    const add = (step: string, handle: string) =>
      handles.set(step, (handles.get(step) ?? new Set()).add(handle));
    for (const edge of scene.edges) {
      add(edge.source, edge.sourceHandle);
      add(edge.target, "in");
    }
    return handles;
  }, [scene]);
  const makeNodes = useRef(createNodeMaker()).current;
  const nodes = useMemo(
    () =>
      makeNodes({
        items: mounted,
        problems,
        targetProblems,
        views,
        used,
        selected: new Set([...selection.steps, ...selection.notes]),
        isLocked,
        dropContainer,
      }),
    [makeNodes, mounted, problems, targetProblems, views, used, selection, isLocked, dropContainer],
  );
  const edges = useMemo(() => {
    const shownIds = new Set(mounted.map((item) => item.id));
    const chosen = new Set(selection.edges);
    return scene.edges
      .filter((edge) => shownIds.has(edge.source) && shownIds.has(edge.target))
      .map(
        (edge): CardEdge => ({
          id: edge.key,
          type: "flow",
          source: edge.source,
          target: edge.target,
          sourceHandle: edge.sourceHandle,
          targetHandle: "in",
          selected: chosen.has(edge.key),
          reconnectable: !isLocked && chosen.has(edge.key),
          zIndex: edge.parent === null ? 0 : 1,
          data: {
            shown: edge,
            mark: marks.get(edge.key),
            isRun: run !== null,
            isLocked,
            severity: edgeProblems.get(edge.key),
          },
        }),
      );
  }, [scene, mounted, marks, run, selection, isLocked, edgeProblems]);

  // ---- what commands can ask for
  useEffect(() => {
    function box(): DOMRect {
      return frame.current?.getBoundingClientRect() ?? new DOMRect();
    }
    function center(): XY {
      const { left, top, width, height } = box();
      const point = flow.screenToFlowPosition({ x: left + width / 2, y: top + height / 2 });
      return [point.x, point.y];
    }
    const api: CanvasApi = {
      fit(ids) {
        const { items } = useCanvas.getState().scene;
        const chosen = ids && ids.length > 0 ? ids.flatMap((id) => items.get(id) ?? []) : [...items.values()];
        const bounds = boundsOf(chosen);
        if (!bounds) return;
        const { width, height } = box();
        const room = 56;
        const zoom = Math.min(
          1.1,
          Math.max(MIN_ZOOM, Math.min((width - 2 * room) / bounds.w, (height - 2 * room) / bounds.h)),
        );
        void flow.setViewport({
          x: width / 2 - (bounds.x + bounds.w / 2) * zoom,
          y: height / 2 - (bounds.y + bounds.h / 2) * zoom,
          zoom,
        });
      },
      open() {
        const { items } = useCanvas.getState().scene;
        const bounds = boundsOf(items.values());
        if (!bounds) return;
        const { width, height } = box();
        const room = 72;
        const whole = Math.min((width - 2 * room) / bounds.w, (height - 2 * room) / bounds.h);
        if (whole >= READABLE_ZOOM) {
          api.fit();
          return;
        }
        // Too large to be read as a whole: show where it begins.
        const first = [...items.values()]
          .filter((item) => item.type !== "note")
          .reduce<Rect | null>((least, item) => (least === null || item.x < least.x ? item : least), null);
        const middle =
          bounds.h * READABLE_ZOOM <= height - 2 * room
            ? bounds.y + bounds.h / 2
            : (first?.y ?? bounds.y) + 40;
        void flow.setViewport({
          x: room - bounds.x * READABLE_ZOOM,
          y: height / 2 - middle * READABLE_ZOOM,
          zoom: READABLE_ZOOM,
        });
      },
      zoomBy: (factor) => void flow.zoomTo(Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, flow.getZoom() * factor))),
      zoomTo: (zoom) => void flow.zoomTo(zoom),
      reveal(ids) {
        const bounds = boundsOf(ids.flatMap((id) => useCanvas.getState().scene.items.get(id) ?? []));
        if (!bounds) return;
        const { width, height } = box();
        const { x, y, zoom } = flow.getViewport();
        const near = Math.max(zoom, 0.7);
        const left = bounds.x * zoom + x;
        const top = bounds.y * zoom + y;
        const isInView =
          near === zoom &&
          left > 24 &&
          top > 24 &&
          left + bounds.w * zoom < width - 24 &&
          top + bounds.h * zoom < height - 24;
        if (isInView) return;
        void flow.setViewport({
          x: width / 2 - (bounds.x + bounds.w / 2) * near,
          y: height / 2 - (bounds.y + bounds.h / 2) * near,
          zoom: near,
        });
      },
      pointer: () => pointer.current ?? center(),
      center,
      toCanvas([x, y]) {
        const point = flow.screenToFlowPosition({ x, y });
        return [point.x, point.y];
      },
      toScreen([x, y]) {
        const point = flow.flowToScreenPosition({ x, y });
        return [point.x, point.y];
      },
      focus: () => frame.current?.focus({ preventScroll: true }),
    };
    useCanvas.setState({ api });
    return () => {
      if (useCanvas.getState().api === api) useCanvas.setState({ api: null });
    };
  }, [flow]);

  // A document that comes into view is shown whole, once.
  const identity = `${run ? `run:${run.summary.id}` : ""}:${useEditor((editor) => editor.draftKey)}`;
  const isReady = scene.items.size > 0 && check !== null;
  const fitted = useRef<string | null>(null);
  useEffect(() => {
    if (!isReady || fitted.current === identity) return;
    const isFirst = fitted.current === null || !identity.startsWith("run:");
    fitted.current = identity;
    if (isFirst) requestAnimationFrame(() => useCanvas.getState().api?.open());
  }, [isReady, identity]);

  // Somebody asked to see a place: select it and bring it into view.
  const request = useFocus((focus) => focus.request);
  useEffect(() => {
    if (!request) return;
    const { step, edge } = request.place;
    const { scene: shown, api } = useCanvas.getState();
    if (step !== undefined && shown.items.has(step)) {
      useEditor.getState().select({ steps: [step] });
      api?.reveal([step]);
    } else if (edge !== undefined) {
      const found = shown.edges.find((each) => each.key === edge);
      useEditor.getState().select({ edges: [edge] });
      if (found) api?.reveal([found.source, found.target]);
    }
  }, [request]);

  useEffect(() => {
    const keep = (event: KeyboardEvent) => setAlt(event.altKey);
    window.addEventListener("keydown", keep);
    window.addEventListener("keyup", keep);
    return () => {
      window.removeEventListener("keydown", keep);
      window.removeEventListener("keyup", keep);
    };
  }, []);

  // ---- selection
  const onNodesChange = useCallback((changes: NodeChange<CardNode>[]) => {
    const { selection: before, select } = useEditor.getState();
    const steps = new Set(before.steps);
    const notes = new Set(before.notes);
    let isChanged = false;
    for (const change of changes) {
      if (change.type !== "select") continue;
      const isNote = useCanvas.getState().scene.items.get(change.id)?.type === "note";
      const set = isNote ? notes : steps;
      if (set.has(change.id) === change.selected) continue;
      isChanged = true;
      if (change.selected) set.add(change.id);
      else set.delete(change.id);
    }
    if (isChanged) select({ ...useEditor.getState().selection, steps: [...steps], notes: [...notes] });
    const positions: Record<string, XY> = {};
    for (const change of changes) {
      if (change.type === "position" && change.dragging && change.position) {
        positions[change.id] = [change.position.x, change.position.y];
      }
    }
    if (Object.keys(positions).length > 0) setMoved((known) => ({ ...known, ...positions }));
  }, []);

  const onEdgesChange = useCallback((changes: EdgeChange<CardEdge>[]) => {
    const { selection: before, select } = useEditor.getState();
    const chosen = new Set(before.edges);
    let isChanged = false;
    for (const change of changes) {
      if (change.type !== "select" || chosen.has(change.id) === change.selected) continue;
      isChanged = true;
      if (change.selected) chosen.add(change.id);
      else chosen.delete(change.id);
    }
    if (isChanged) select({ ...useEditor.getState().selection, edges: [...chosen] });
  }, []);

  // ---- dragging steps
  const onNodeDrag = useCallback((_: unknown, node: CardNode, dragged: CardNode[]) => {
    const { item } = node.data;
    if (dragged.length !== 1 || item.type === "note") return;
    const { scene: shown, dropEdge, dropContainer: into } = useCanvas.getState();
    const own = shown.items.get(node.id);
    if (!own || shown.edges.some((edge) => edge.source === node.id || edge.target === node.id)) return;
    const middle: XY = [own.x + own.w / 2, own.y + Math.min(own.h, 60) / 2];
    const container = containerAt(shown, middle, new Set([node.id]))?.id ?? null;
    const edge = edgeAt(shown, middle, own.parent)?.key ?? null;
    const nextContainer = edge === null && container !== own.parent ? container : null;
    if (edge !== dropEdge || nextContainer !== into)
      useCanvas.setState({ dropEdge: edge, dropContainer: nextContainer });
  }, []);

  const onNodeDragStop = useCallback((_: unknown, node: CardNode | undefined, dragged: CardNode[]) => {
    const { dropEdge, dropContainer: into, scene: shown } = useCanvas.getState();
    useCanvas.setState({ dropEdge: null, dropContainer: null });
    setMoved(NO_MOVES);
    const single = dragged.length === 1 ? node : undefined;
    const own = single && shown.items.get(single.id);
    if (single && own && dropEdge !== null) {
      dropStep(single.id, { edge: dropEdge }, [single.position.x, single.position.y]);
      return;
    }
    if (single && own && into !== null) {
      const holder = shown.items.get(into);
      dropStep(single.id, { parent: into }, [own.x - (holder?.x ?? 0), own.y - (holder?.y ?? 0)]);
      return;
    }
    const places: Record<string, XY> = {};
    for (const each of dragged) {
      const item = shown.items.get(each.id);
      const at: XY = [each.position.x, each.position.y];
      // A mounted child of a container that is not mounted has an absolute position.
      const holder = item?.parent && each.parentId === undefined ? shown.items.get(item.parent) : undefined;
      places[each.id] = holder ? [at[0] - holder.x, at[1] - holder.y] : at;
    }
    moveItems(places);
  }, []);

  // ---- wiring
  function pointOf(event: MouseEvent | TouchEvent): { screen: XY; at: XY } {
    const touch = "changedTouches" in event ? event.changedTouches[0] : event;
    const screen: XY = [touch?.clientX ?? 0, touch?.clientY ?? 0];
    const point = flow.screenToFlowPosition({ x: screen[0], y: screen[1] });
    return { screen, at: [point.x, point.y] };
  }

  function onConnectEnd(event: MouseEvent | TouchEvent, state: FinalConnectionState): void {
    const start = useCanvas.getState().wiring;
    useCanvas.setState({ wiring: null });
    if (!start || isLocked) return;
    const { screen, at } = pointOf(event);
    const hit = state.toNode ? scene.items.get(state.toNode.id) : itemAt(scene, at);
    const isInside = hit?.type === "container" && hit.id === start.parent;
    if (hit && hit.type !== "note" && !isInside) {
      if (hit.id === start.step) return;
      // A wire to something inside a neighbour container is meant for the container.
      let target = hit;
      while (target.parent !== start.parent && target.parent !== null) {
        const holder = scene.items.get(target.parent);
        if (!holder) break;
        target = holder;
      }
      connectSteps(start.step, start.handle, target.id);
      return;
    }
    useCanvas.setState({
      search: {
        screen,
        at: [at[0], at[1] - 36],
        parent: start.parent,
        from: { step: start.step, handle: start.handle },
      },
    });
  }

  function onReconnect(edge: CardEdge, to: Connection): void {
    if (edge.target !== to.target) rewire(edge.id, { target: to.target });
    else rewire(edge.id, { source: to.source, handle: to.sourceHandle ?? "out" });
  }

  const hasDropped = useRef(false);

  // ---- pointer on empty canvas
  function openSearchAt(event: ReactMouseEvent): void {
    const { screen, at } = pointOf(event.nativeEvent);
    const container = containerAt(scene, at);
    useCanvas.setState({ search: { screen, at, parent: container?.id ?? null } });
  }

  function onPaneClick(event: ReactMouseEvent): void {
    useCanvas.setState({ menu: null });
    // Far out nothing is mounted: the picture itself is clicked.
    const hit = isFar ? itemAt(scene, pointOf(event.nativeEvent).at) : null;
    if (hit && hit.type !== "note") useEditor.getState().select({ steps: [hit.id] });
  }

  function onSelectionEnd(event: ReactMouseEvent): void {
    const start = boxStart.current;
    boxStart.current = null;
    if (!start) return;
    const { at } = pointOf(event.nativeEvent);
    const [left, right] = [Math.min(start[0], at[0]), Math.max(start[0], at[0])];
    const [top, bottom] = [Math.min(start[1], at[1]), Math.max(start[1], at[1])];
    const mountedIds = new Set(mounted.map((item) => item.id));
    const hits = [...scene.items.values()].filter(
      (item) =>
        !mountedIds.has(item.id) &&
        item.x >= left &&
        item.y >= top &&
        item.x + item.w <= right &&
        item.y + item.h <= bottom,
    );
    if (hits.length === 0) return;
    const { selection: known, select } = useEditor.getState();
    select({ ...known, steps: [...new Set([...known.steps, ...hits.map((item) => item.id)])] });
  }

  function onContextMenu(
    event: ReactMouseEvent | MouseEvent,
    target: { step?: string; edge?: string; note?: string },
  ): void {
    event.preventDefault();
    const { screen, at } = pointOf(event as MouseEvent);
    const { selection: known, select } = useEditor.getState();
    if (target.step !== undefined && !known.steps.includes(target.step)) select({ steps: [target.step] });
    if (target.edge !== undefined && !known.edges.includes(target.edge)) select({ edges: [target.edge] });
    if (target.note !== undefined && !known.notes.includes(target.note)) select({ notes: [target.note] });
    useCanvas.setState({ menu: { screen, at, target } });
  }

  // Steps that the dragged wire cannot lead to fade.
  useEffect(() => {
    const cards = frame.current?.querySelectorAll<HTMLElement>("[data-step]") ?? [];
    for (const card of cards) {
      const id = card.dataset.step ?? "";
      const item = scene.items.get(id);
      const isIllegal = wiring !== null && (item?.parent !== wiring.parent || id === wiring.step);
      if (isIllegal && id !== wiring?.parent) card.dataset.illegal = "yes";
      else delete card.dataset.illegal;
    }
  }, [wiring, scene]);

  return (
    <div
      ref={frame}
      className={`${classes.frame} ${wiring ? "bt-wiring" : ""}`}
      data-testid="canvas"
      data-locked={isLocked || undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the canvas takes the keys that the list of commands names
      tabIndex={0}
      role="application"
      aria-label="Canvas. Arrow keys go from step to step, Tab adds a step, question mark lists all keys. The outline panel shows the same as a tree."
      onPointerMove={(event) => {
        const point = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
        pointer.current = [point.x, point.y];
      }}
      onPointerLeave={() => {
        pointer.current = null;
      }}
      onDoubleClick={(event) => {
        const isEmptySpot = (event.target as HTMLElement).classList.contains("react-flow__pane");
        if (isEmptySpot && !isLocked) openSearchAt(event);
      }}
      onPointerDown={(event) => {
        // Keys belong to the canvas from the first click; fields on cards keep their focus.
        if (!(event.target as HTMLElement).closest("input, textarea, button"))
          frame.current?.focus({ preventScroll: true });
      }}
    >
      <Underlay
        scene={scene}
        mounted={mounted}
        isFar={isFar}
        views={views}
        marks={marks}
        selected={selection.steps}
      />
      <ReactFlow<CardNode, CardEdge>
        nodes={isFar ? [] : nodes}
        edges={isFar ? [] : edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onNodeDrag={onNodeDrag}
        onNodeDragStop={onNodeDragStop}
        onSelectionDragStop={(event, dragged) => onNodeDragStop(event, undefined, dragged)}
        onConnectStart={(_, { nodeId, handleId, handleType }) => {
          if (!doc || nodeId === null || handleId === null || handleType !== "source") return;
          useCanvas.setState({ wiring: { step: nodeId, handle: handleId, parent: parentOf(doc, nodeId) } });
        }}
        onConnectEnd={onConnectEnd}
        onReconnectStart={() => {
          hasDropped.current = false;
        }}
        onReconnect={(edge, to) => {
          hasDropped.current = true;
          onReconnect(edge, to);
        }}
        onReconnectEnd={(event, edge) => {
          if (hasDropped.current) return;
          const { at } = pointOf(event);
          const hit = itemAt(scene, at);
          if (hit && hit.type !== "note" && hit.id !== splitFrom(edge.data?.shown.edge.from ?? "").step)
            rewire(edge.id, { target: hit.id });
          else if (!hit) deleteEdge(edge.id);
        }}
        onEdgeMouseEnter={(_, edge) => useCanvas.setState({ hoveredEdge: edge.id })}
        onEdgeMouseLeave={(event) => {
          const onto = event.relatedTarget;
          if (!(onto instanceof Element && onto.closest("button"))) useCanvas.setState({ hoveredEdge: null });
        }}
        onPaneMouseEnter={() => useCanvas.setState({ hoveredEdge: null })}
        onPaneClick={onPaneClick}
        onPaneContextMenu={(event) => onContextMenu(event, {})}
        onNodeContextMenu={(event, node) =>
          onContextMenu(event, node.type === "note" ? { note: node.id } : { step: node.id })
        }
        onEdgeContextMenu={(event, edge) => onContextMenu(event, { edge: edge.id })}
        onSelectionContextMenu={(event) => onContextMenu(event, {})}
        onSelectionStart={(event) => {
          boxStart.current = pointOf(event.nativeEvent).at;
        }}
        onSelectionEnd={onSelectionEnd}
        onMoveStart={() => frame.current?.setAttribute("data-moving", "yes")}
        onMoveEnd={() => frame.current?.removeAttribute("data-moving")}
        onMove={(_, viewport) => onMove(viewport)}
        onInit={() => onMove(flow.getViewport())}
        onBeforeDelete={async () => false}
        minZoom={MIN_ZOOM}
        maxZoom={MAX_ZOOM}
        snapToGrid={!hasAlt}
        snapGrid={[GRID, GRID]}
        selectionOnDrag={tool === "select"}
        selectionMode={SelectionMode.Full}
        panOnDrag={tool === "select" ? [1] : [0, 1]}
        panOnScroll={wheel === "trackpad"}
        zoomOnDoubleClick={false}
        selectionKeyCode="Shift"
        multiSelectionKeyCode={["Meta", "Control"]}
        panActivationKeyCode="Space"
        deleteKeyCode={null}
        disableKeyboardA11y
        nodesFocusable={false}
        edgesFocusable={false}
        nodesConnectable={!isLocked}
        nodesDraggable={!isLocked}
        elevateNodesOnSelect={false}
        connectionRadius={24}
        connectOnClick={false}
        nodeClickDistance={2}
        paneClickDistance={2}
        autoPanOnConnect
        autoPanOnNodeDrag
        attributionPosition="bottom-center"
        connectionLineStyle={{ stroke: "var(--bt-accent)", strokeWidth: 2 }}
      >
        <svg className={classes.defs} aria-hidden="true">
          <defs>
            <marker
              id="bt-arrow"
              viewBox="0 0 10 10"
              refX="13"
              refY="5"
              markerWidth="9"
              markerHeight="9"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path
                d="M1,1.5 L8,5 L1,8.5"
                fill="none"
                stroke="context-stroke"
                strokeWidth="1.6"
                strokeLinecap="round"
                strokeLinejoin="round"
              />
            </marker>
          </defs>
        </svg>
      </ReactFlow>
      {doc && scene.items.size === 0 && <CanvasEmpty isLocked={isLocked} />}
      <CanvasControls />
      {showsMinimap && scene.items.size > 6 && <Minimap scene={scene} store={flowStore} views={views} />}
      <AddStepSearch />
      <ContextMenu isLocked={isLocked} />
    </div>
  );
}
