import "./islands/docs.js";
