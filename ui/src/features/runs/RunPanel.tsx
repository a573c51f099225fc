import { PanelEmpty } from "../../components/Panel";

export default function RunPanel() {
  return <PanelEmpty title="No run is open" hint="Press Run to start this workflow." />;
}
