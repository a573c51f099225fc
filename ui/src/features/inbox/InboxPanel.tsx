import { PanelEmpty } from "../../components/Panel";

export default function InboxPanel() {
  return <PanelEmpty title="Nothing to decide" hint="Questions of runs arrive here." />;
}
