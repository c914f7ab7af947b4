// Owns what is said to people in English; `a|b` is one and many. Must hold no logic.

/** @type {Record<string, string>} */
export const en = {
  scheduled: "Scheduled", queued: "Queued", running: "Running", retrying: "Retrying",
  succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled", cancelling: "Cancelling…", interrupted: "Interrupted",
  of: "{a} of {b}", done: "{n} done", attempt: "attempt {n}", next: "next in the queue",
  ahead: "{n} task ahead in the queue|{n} tasks ahead in the queue", starts: "starts {t}", again: "next try {t}",
  left: "about {t} left", ended: "ended {t}", took: "took {t}", instant: "less than a second", at: "at {t}", on: "on {t}",
  lost: "Its worker is gone. Another one will take it over.",
  quiet: "Quiet: no news for {t}. It may still be working.",
  wrong: "This did not work", reference: "{m} (reference {r})", tooLarge: "too large to be shown here",
  result: "Result", none: "none", yes: "yes", no: "no", more: "More",
  cancel: "Cancel", retry: "Retry", close: "Close", details: "Details",
  tasks: "Tasks", loading: "Loading",
  emptyTitle: "Nothing on the road",
  emptyText: "What you start shows up here with a bar of its own, and stays until you have seen how it ended.",
  noMatch: "Nothing here matches.", showMore: "Show {n} more",
  unread: "{n} unread", new: "unread", reconnecting: "Reconnecting…", offline: "You are offline.", from: "What you see is from {t}.",
  signedOut: "Sign in to see your tasks.", percent: "{title}: {n}%", andMore: "And {n} more.",
  unreachable: "Milepost cannot be reached. Check the connection and try again.", tryIn: "Try again {t}.", tryLater: "Try again later.",
  tooMany: "Too many requests", unable: "Milepost cannot do this at the moment", status: "This was refused (status {n})",
};
