import { PanelEmpty } from "../../components/Panel";

export default function InspectorPanel() {
  return <PanelEmpty title="Inspector" hint="Select a step to see its settings." />;
}
