/**
 * Start the page, or report that a module failed to load. This module imports nothing statically: a
 * dependency of its own could be the module that is missing.
 */

import("./app.js").then(
  ({ start }) => start(),
  (error) => {
    const title = document.createElement("h1");
    title.textContent = "Part of this page failed to load";
    const advice = document.createElement("p");
    advice.textContent = "Reload the page. If the problem persists, check the log of the service.";
    const section = document.createElement("section");
    section.className = "notice";
    section.setAttribute("role", "alert");
    section.append(title, advice);
    document.getElementById("main")?.replaceChildren(section);
    throw error;
  },
);
