import { PanelEmpty } from "../../components/Panel";

export default function HistoryPanel() {
  return <PanelEmpty title="No runs yet" hint="Every run is kept here." />;
}
