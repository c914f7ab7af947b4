// Owns how the state of the connection is shown; must not try to mend it.

import { clockTime } from "../core/format.js";
import { problemWords } from "../core/words.js";
import { byId, say } from "./dom.js";

export function createConnection() {
  const line = byId("connection");
  return {
    /** @param {import("../core/types.js").Snapshot} snapshot */
    update({ connection, trouble, heard_at: heardAt }) {
      const lost = connection !== "online";
      document.body.dataset.connection = connection;
      const refused = lost && trouble && trouble.status >= 400 && trouble.status < 500; // no outage: say why
      const why = refused ? ` ${problemWords(trouble)}` : "";
      const asOf = lost && heardAt ? ` What you see is from ${clockTime(heardAt)}.` : "";
      say(line, lost ? `Reconnecting…${why}${asOf}` : "");
    },
    clear() {
      document.body.dataset.connection = "online";
      say(line, "");
    },
  };
}
