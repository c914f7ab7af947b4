// Owns what /milepost-details.js gives: an opened card. milepost.js loads it when the first card is opened.

export { openDetails } from "./details/panel.js";
