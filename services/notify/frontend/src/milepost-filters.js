// Owns what /milepost-filters.js gives: filters and search, which milepost.js loads where an element has `filters`.

export { createFilters } from "./elements/filters.js";
