/**
 * Starts the page, and says so where a part of it did not arrive. It imports nothing for that, since
 * what is missing may be just what it would need.
 */

import("./app.js").then(
  ({ start }) => start(),
  (error) => {
    const title = document.createElement("h1");
    title.textContent = "A part of this page did not arrive";
    const advice = document.createElement("p");
    advice.textContent = "Reload it; if that does not help, see the log of the service.";
    const section = document.createElement("section");
    section.className = "notice";
    section.setAttribute("role", "alert");
    section.append(title, advice);
    document.getElementById("main")?.replaceChildren(section);
    throw error;
  },
);
