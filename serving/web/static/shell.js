// What every page has: the way out, and the list of files with problems.
import { send } from "./api.js";
import { openLedger } from "./ledger.js";

document.querySelector("#failures")?.addEventListener("click", openLedger);
document.querySelector("#logout").addEventListener("click", async () => {
  try {
    await send("DELETE", "/session");
  } finally {
    location.assign("/"); // whoever is still logged in sees that there
  }
});
