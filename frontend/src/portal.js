import "./islands/portal/copy.js";
import "./islands/portal/raise.js";
import "./islands/portal/draft.js";
import "./islands/portal/files.js";
import "./islands/portal/more.js";
