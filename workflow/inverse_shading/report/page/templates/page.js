// What the page does once it is read.

import { startFlipGain } from "./flip_gain.js";
import { startGallery } from "./gallery.js";
import { startPlots } from "./plots.js";
import { startTables } from "./sortable_table.js";

startTables();
startGallery();
startFlipGain();
startPlots();
