// Owns what /milepost-mail.js gives: the words for results of mail.send, loaded where such a task is shown.

export { mailOutcome } from "./details/mail.js";
