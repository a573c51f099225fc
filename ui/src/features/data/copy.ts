/** Puts text on the clipboard and says so. */
import { tell, tellError } from "../../state/tell";

export function copyText(text: string, said: string): void {
  const failed = () =>
    tellError("Not copied", new Error("the clipboard cannot be reached, select the text and copy it"));
  if (!navigator.clipboard) {
    failed();
    return;
  }
  navigator.clipboard.writeText(text).then(() => tell(said), failed);
}
