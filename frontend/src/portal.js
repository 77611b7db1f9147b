import "./islands/copy.js";
import "./islands/portal/raise.js";
import "./islands/portal/draft.js";
import "./islands/portal/files.js";
import "./islands/portal/menus.js";
import "./islands/portal/more.js";
