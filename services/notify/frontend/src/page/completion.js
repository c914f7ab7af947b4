// Owns telling of ended tasks where no tab is visible, if the person asked for it; must tell of each once.

import { sharedClient } from "milepost";
import { byId } from "./dom.js";

/** @param {ReturnType<typeof import("./settings.js").createSettings>} settings */
export function createCompletion({ words, keep }) {
  const box = byId("tell");
  const refused = byId("tell-refused");
  const able = "Notification" in globalThis;
  const wanted = () => able && Notification.permission === "granted" && keep("tell") === "1";
  box.checked = wanted();
  box.disabled = !able;
  box.addEventListener("change", async () => {
    const granted = box.checked && (await Notification.requestPermission()) === "granted";
    refused.hidden = !box.checked || granted;
    box.checked = granted;
    keep("tell", granted ? "1" : null);
  });

  return {
    /** @param {import("../core/types.js").Task} task it has just ended */
    tell(task) {
      const { leading, watched } = sharedClient().getSnapshot();
      if (!wanted() || !leading || watched) return; // one tab speaks for all, and only to nobody looking
      const shown = new Notification(words().say("notifyTitle", { status: words().status(task), title: task.title }), { tag: task.id, lang: words().format.lang, icon: "/favicon.ico" });
      shown.onclick = () => (window.focus(), shown.close());
    },
  };
}
